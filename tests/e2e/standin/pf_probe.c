/* The probe of what really passes, where the stand-in's pf is asked instead of the machine's. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "os/firewall_pf_probe.h"
#include "os/tool.h"

enum pf_probed pf_probe(const struct situation *s, const char **link)
{
	const char *folder = getenv("PORTCULLIS_STANDIN");
	enum pf_probed result = PF_PROBED_NOTHING;
	char path[512];

	snprintf(path, sizeof path, "%s/probe", folder != NULL ? folder : "/nonexistent");
	for (size_t i = 0; i < s->link_count; i++) {
		const char *const argv[] = {path, s->links[i], NULL};
		struct err e = {""};

		*link = s->links[i];
		if (tool_run(argv, NULL, 2000, &e) == 0)
			return PF_PROBED_OUT;
		if (strstr(e.text, "exit 1") != NULL)
			result = PF_PROBED_REFUSED;
	}
	return result;
}
