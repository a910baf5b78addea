/* Which servers failed last, kept over restarts in a small file of root's that the driver has open. It
 * decides nothing but the order in which they are tried. */
#ifndef DRIVER_KEPT_OUTCOMES_H
#define DRIVER_KEPT_OUTCOMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/net.h"

enum {
	OUTCOMES = 64,
	/* seconds: so long a server counts as dead after its first failure; each further one in a row doubles
	   it, up to about a day. */
	OUTCOMES_DEAD = 600,
	OUTCOMES_DOUBLED = 7
};

/* A server that failed. Whoever was good since is in no list. */
struct outcome {
	struct net_endpoint server;
	uint32_t failures; /* in a row; 0: this place is free */
	int64_t when;      /* the last of them, seconds since the epoch */
};

struct outcomes { /* zeroed: nothing is known */
	struct outcome list[OUTCOMES];
};

/* What is torn or strange is as if nothing were known. */
void outcomes_load(struct outcomes *outcomes, int descriptor);
void outcomes_save(const struct outcomes *outcomes, int descriptor);

/* Is it one to be tried last? A clock that was set since, by more than that time, makes it none. */
bool outcomes_is_dead(const struct outcomes *outcomes, const struct net_endpoint *server, int64_t now);

/* An attempt with it was good, or failed. If there is no room, the oldest goes. True: there is something to
 * save. */
bool outcomes_note(struct outcomes *outcomes, const struct net_endpoint *server, bool good, int64_t now);

/* Forgets those that the profile has no more: `has` says which it has. */
void outcomes_prune(struct outcomes *outcomes, bool (*has)(const void *in, const struct net_endpoint *server),
		    const void *in);

#endif
