/* The doctor on other VPNs and firewalls of this machine. */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "ctl/doctor/gather.h"
#include "ctl/doctor/judge.h"

enum { CONNECTIONS_MAX = 200 };

static void report_other(struct doctor *doctor, const struct machine_other *other)
{
	static const enum doctor_result results[] = {
	    [MACHINE_BESIDE] = DOCTOR_FINE, [MACHINE_FIGHTS] = DOCTOR_WARN, [MACHINE_OPENS] = DOCTOR_FAIL};
	struct finding finding = {.subject = ""};

	text_copy(finding.subject, sizeof finding.subject, other->name);
	finding_set(&finding, results[other->harm], other->instead, "%s", other->effect);
	doctor_report(doctor, &finding);
}

/* A VPN that NetworkManager starts by itself: a WireGuard connection, unless it is
 * configured otherwise; others start only on request. */
static bool comes_up(const char *text)
{
	char type[32] = "", automatic[16] = "true";

	(void)keyfile_get(text, "connection", "type", type, sizeof type);
	(void)keyfile_get(text, "connection", "autoconnect", automatic, sizeof automatic);
	return strcmp(type, "wireguard") == 0 && strcmp(automatic, "false") != 0;
}

static bool report_connection(struct doctor *doctor, const char *name)
{
	struct finding finding = {.subject = ""};
	char path[PATH_MAX];
	size_t used = 0;
	char *text;
	bool is_finding;

	text_append(path, sizeof path, &used, "%s/%s", machine_connections, name);
	if ((text = doctor_file_read(path)) == NULL && errno != EACCES)
		return false;
	text_copy(finding.subject, sizeof finding.subject, path);
	is_finding = text == NULL || comes_up(text);
	if (text == NULL)
		doctor_not_examined(&finding, path);
	else
		finding_set(&finding, DOCTOR_WARN, "nmcli connection modify NAME connection.autoconnect no",
			    "is another VPN (WireGuard), which NetworkManager starts by itself: what it "
			    "sends is stopped");
	free(text);
	if (is_finding)
		doctor_report(doctor, &finding);
	return is_finding;
}

/* Returns how many findings it reported. */
static unsigned check_connections(struct doctor *doctor)
{
	DIR *folder = machine_connections != NULL ? opendir(machine_connections) : NULL;
	const struct dirent *entry;
	struct finding finding = {.subject = ""};
	unsigned reported = 0, seen = 0;

	if (folder == NULL && machine_connections != NULL && errno == EACCES) {
		doctor_not_examined(&finding, machine_connections);
		doctor_report(doctor, &finding);
		return 1;
	}
	while (folder != NULL && (entry = readdir(folder)) != NULL && seen++ < CONNECTIONS_MAX) {
		if (entry->d_name[0] != '.')
			reported += report_connection(doctor, entry->d_name);
	}
	if (folder != NULL)
		closedir(folder);
	return reported;
}

void doctor_others(struct doctor *doctor)
{
	bool running[MACHINE_OTHERS];
	int units = machine_others_run(running, DOCTOR_TOOL_MS);
	struct finding finding = {.subject = ""};
	unsigned reported = 0;

	for (size_t i = 0; machine_others[i].name != NULL; i++) {
		const struct machine_other *other = &machine_others[i];

		if (!running[i])
			continue;
		report_other(doctor, other);
		reported++;
	}
	reported += check_connections(doctor);
	if (machine_others[0].name == NULL)
		finding_set(&finding, DOCTOR_UNKNOWN, NULL, "none is known for this platform");
	else if (units == -1)
		finding_set(&finding, DOCTOR_UNKNOWN, "check manually what starts at boot",
			    "no service manager answers; for services only processes were checked");
	else if (reported == 0)
		finding_set(&finding, DOCTOR_FINE, NULL, "none of the known ones runs here");
	if (finding.text[0] != '\0')
		doctor_report(doctor, &finding);
}
