/* The probe of what really passes, where the stand-in's pf is asked instead of the machine's. */
#include <stdio.h>
#include <stdlib.h>

#include "os/firewall_pf_probe.h"
#include "os/tool.h"

const char *pf_probe(const struct situation *s)
{
	const char *folder = getenv("PORTCULLIS_STANDIN");
	char path[512];

	snprintf(path, sizeof path, "%s/probe", folder != NULL ? folder : "/nonexistent");
	for (size_t i = 0; i < s->link_count; i++) {
		const char *const argv[] = {path, s->links[i], NULL};

		if (tool_run(argv, NULL, 2000, NULL) == 0)
			return s->links[i];
	}
	return NULL;
}
