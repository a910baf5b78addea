/* The doctor on the resolver's configuration, and on programs that query the Internet by themselves. */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/text.h"
#include "ctl/doctor/gather.h"
#include "ctl/doctor/judge.h"

#define RESOLV_CONF "/etc/resolv.conf"

enum { SERVERS_MAX = 8, FILES_MAX = 64, VALUE = 256 };

void doctor_resolver(struct doctor *doctor)
{
	enum machine_resolver resolver = machine_resolver();
	struct net_address servers[SERVERS_MAX];
	struct finding finding = {.subject = ""};
	char *text = doctor_file_read(RESOLV_CONF);
	size_t count = text != NULL ? resolv_read(text, servers, SERVERS_MAX) : 0;

	if (text == NULL && errno != ENOENT)
		doctor_not_examined(&finding, RESOLV_CONF);
	else
		judge_resolver(servers, count < SERVERS_MAX ? count : SERVERS_MAX, resolver,
			       strcmp(doctor->settings.manage_dns, "true") == 0, &finding);
	free(text);
	doctor_report(doctor, &finding);
}

struct connectivity {
	char uri[VALUE], enabled[VALUE];
};

static void read_file(const char *path, struct connectivity *connectivity)
{
	char *text = doctor_file_read(path);

	if (text == NULL)
		return;
	(void)keyfile_get(text, "connectivity", "uri", connectivity->uri, sizeof connectivity->uri);
	(void)keyfile_get(text, "connectivity", "enabled", connectivity->enabled,
			  sizeof connectivity->enabled);
	(void)keyfile_get(text, "connectivity", ".set.enabled", connectivity->enabled,
			  sizeof connectivity->enabled);
	free(text);
}

static int is_conf(const struct dirent *entry)
{
	size_t length = strlen(entry->d_name);

	return length > 5 && strcmp(entry->d_name + length - 5, ".conf") == 0;
}

static void read_folder(const char *folder, struct connectivity *connectivity)
{
	struct dirent **entries = NULL;
	int count = scandir(folder, &entries, is_conf, alphasort);

	for (int i = 0; i < count; i++) {
		char path[PATH_MAX];
		size_t used = 0;

		if (i < FILES_MAX &&
		    text_append(path, sizeof path, &used, "%s/%s", folder, entries[i]->d_name) == 0)
			read_file(path, connectivity);
		free(entries[i]);
	}
	free(entries);
}

void doctor_connectivity(struct doctor *doctor)
{
	struct finding finding = {.subject = ""};
	struct connectivity connectivity = {.uri = ""};
	struct stat status;

	if (machine_asks != NULL) {
		text_copy(finding.subject, sizeof finding.subject, "this system");
		finding_set(&finding, DOCTOR_FINE, NULL, "%s", machine_asks);
	} else if (machine_network_manager[0] == NULL) {
		finding_set(&finding, DOCTOR_FINE, NULL, "does not exist on this platform");
	} else if (!machine_runs("NetworkManager")) {
		finding_set(&finding, DOCTOR_FINE, NULL, "does not run here");
	} else {
		for (size_t i = 0; machine_network_manager[i] != NULL; i++) {
			const char *place = machine_network_manager[i];

			if (stat(place, &status) == 0 && S_ISDIR(status.st_mode))
				read_folder(place, &connectivity);
			else
				read_file(place, &connectivity);
		}
		judge_connectivity(connectivity.uri, connectivity.enabled, &finding);
	}
	doctor_report(doctor, &finding);
}
