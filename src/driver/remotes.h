/* The servers of the canonical profile, in turns: tunnel/order.h decides whose it is. */
#ifndef DRIVER_REMOTES_H
#define DRIVER_REMOTES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/canonical.h"
#include "base/err.h"
#include "driver/kept/outcomes.h"
#include "driver/names/known.h"
#include "tunnel/limits.h"
#include "tunnel/order.h"

struct remotes {
	const char *text; /* mapped read-only until the process exits */
	size_t length;
	struct order order;           /* each address; listed at the first pick */
	struct remotes_place *places; /* where each of them stands in the text */
	struct canonical_remote remote;
	struct net_endpoint endpoint; /* the one picked last; NET_NONE: none yet */
	struct net_prefix nat64;      /* by which it is dialled; length 0: as the profile has it */
	uint32_t chance;              /* any number; if the profile wants a random order, it decides which */
	bool listed;
	const struct names *names; /* what else is known of them; NULL: nothing */
	struct outcomes outcomes;  /* which of them failed */
};

/* Maps the sealed profile; reads nothing of it yet. 0 or -1. */
int remotes_open(struct remotes *remotes, int descriptor, struct err *e);
void remotes_close(struct remotes *remotes);

/* Picks the next address to which a way leads, or with `again` the same one; those that are dead at `now`
 * (seconds since the epoch) last. 0, or -1 and `e`: there is none, or no memory. Remotes without an address
 * are logged once. */
struct wire_way;
int remotes_pick(struct remotes *remotes, bool again, const struct wire_way *way, int64_t now, struct err *e);

/* The attempt with the one picked last was good, or failed; by NAT64 a failure does not count. True:
 * `outcomes` has changed. */
bool remotes_note(struct remotes *remotes, bool good, int64_t now);

/* How long an attempt may take, as far as the profile says so. */
struct tunnel_limits remotes_limits(const struct remotes *remotes);

/* The next pick is the first remote's first address: more is known than before. */
void remotes_restart(struct remotes *remotes);

int remotes_needs(const struct remotes *remotes); /* enum profile_credentials */

#endif
