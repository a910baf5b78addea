/* gate: vetting: a child parses the profile, and its output is checked here before root executes it. */
#ifndef GATE_VET_H
#define GATE_VET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/wire_channel.h"
#include "config/config.h"

/* A remote with a name: the addresses that import has found for it are remotes[first..first + count). */
struct gate_named {
	char host[WIRE_HOST];
	uint16_t port;
	uint8_t proto;
	size_t first, count;
};

struct gate_profile {
	int head;                     /* the remotes, sealed, for the driver: no key is in it; -1 none */
	int body;                     /* what openvpn gets, sealed; -1 none */
	struct net_endpoint *remotes; /* all that may be dialled */
	size_t remote_count;
	struct gate_named *named;
	size_t named_count;
	bool route_nopull;
};

/* Vets config->profile. 0 and a new `profile` (the old one is freed), or -1, `e`
 * = one line, and the old one stays. Waits at most 5 s for the child. */
int vet_profile(const struct config *config, struct gate_profile *profile, struct err *e);

/* Closes and frees what it has. */
void vet_free(const struct gate_profile *profile);

/* Do two heads, or two bodies, have the same bytes? False if that can't be found out. */
bool vet_same(int one, int other);

#endif
