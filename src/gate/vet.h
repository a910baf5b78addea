/* gate: who vets what root executes: a child parses the profile, we check its print. */
#ifndef GATE_VET_H
#define GATE_VET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "config/config.h"

enum { VET_REMOTES = 16384 };

/* What the vetted profile allows to dial: a port and protocol of a remote. */
struct gate_remote {
	uint16_t port;
	uint8_t proto;
};

struct gate_profile {
	int head; /* the remotes, sealed, for the driver: no key is in it; -1 none */
	int body; /* what openvpn gets, sealed; -1 none */
	struct gate_remote *remotes;
	size_t remote_count;
	bool route_nopull;
};

/* Vets config->profile. 0 and a new `profile` (the old one is freed), or -1, `e`
 * = one line, and the old one stays. Waits for the child, 20 s at most. */
int vet_profile(const struct config *config, struct gate_profile *profile, struct err *e);
void vet_free(struct gate_profile *profile);

#endif
