/* What this kernel's firewall has and lacks, in lines. */
#include "os/firewall/describe.h"

#include "os/firewall/firewall.h"

void firewall_describe(const char *backend, FILE *to)
{
	struct firewall_features features;
	struct err e = {""};
	struct firewall *fw = firewall_open(backend, &e);

	if (fw == NULL || firewall_probe(fw, &features, &e) == -1) {
		fprintf(to, "firewall: can't be queried: %s\n", e.text);
	} else {
		fprintf(to, "firewall: %s\n", features.backend);
		for (size_t i = 0; i < features.count; i++)
			fprintf(to, "  %s: %s%s\n", features.list[i].what,
				features.list[i].has ? "yes" : "no: ",
				features.list[i].has ? "" : features.list[i].lacking);
	}
	firewall_close(fw);
}
