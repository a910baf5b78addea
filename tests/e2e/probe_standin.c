/* The probe, for the tests: the stand-in's firewall decides (the program `probe` beside the stand-ins), or
 * the probe gets out by the link that the file `leak` names. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "os/firewall/probe.h"
#include "os/process/tool.h"

static const char *beside(const char *name, char *path, size_t size)
{
	const char *folder = getenv("PORTCULLIS_STANDIN");

	snprintf(path, size, "%s/%s", folder != NULL ? folder : "/nonexistent", name);
	return path;
}

static enum probed by_file(const char *link)
{
	char path[512], name[64] = "";
	FILE *file = fopen(beside("leak", path, sizeof path), "re");

	if (file == NULL)
		return PROBED_REFUSED;
	(void)!fgets(name, sizeof name, file);
	fclose(file);
	return strcmp(name, link) == 0 ? PROBED_OUT : PROBED_REFUSED;
}

enum probed probe_link(const char *link)
{
	char path[512];
	const char *const argv[] = {beside("probe", path, sizeof path), link, NULL};
	struct err e = {""};

	if (access(path, X_OK) == -1)
		return by_file(link);
	if (tool_run(argv, NULL, 2000, &e) == 0)
		return PROBED_OUT;
	return strstr(e.text, "exit 1") != NULL ? PROBED_REFUSED : PROBED_NOTHING;
}

enum probed probe_as_nobody(const struct situation *s, const char **link)
{
	enum probed result = PROBED_NOTHING;

	for (size_t i = 0; i < s->link_count && result != PROBED_OUT; i++) {
		enum probed probed = probe_link(s->links[i]);

		*link = s->links[i];
		result = probed > result ? probed : result;
	}
	return result;
}
