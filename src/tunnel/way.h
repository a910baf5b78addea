/* Does the session of an attempt live on in the network as it is now? Pure: facts and time in, a verdict. */
#ifndef TUNNEL_WAY_H
#define TUNNEL_WAY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/wire_way.h"

enum {
	/* ms. TCP repeats what was lost after as long again as it has waited already; a new session is there
	   sooner. */
	WAY_TCP_PATIENCE = 1000,
	/* A family that comes back within that time needs no session by the other one. */
	WAY_FAMILY_PATIENCE = 2000
};

enum way_verdict {
	WAY_GOES_ON,
	WAY_CHANGED, /* it can live on, by float or because nothing of its own has changed; nobody knows yet
		      */
	WAY_LOST     /* it can't: `why` says what it lacks */
};

/* Zeroed: no attempt. */
struct way {
	bool active, tcp;
	uint8_t family;       /* of the endpoint */
	struct wire_way last; /* the last that led anywhere; local NET_NONE: none has yet */
	uint64_t gone_at;     /* ms, since when none leads there; 0: one does */
	uint64_t due;         /* ms, when to judge again without news; 0: never */
	const char *why;
};

/* An attempt begins. */
void way_begin(struct way *way, const struct net_endpoint *endpoint);

/* The way is now like that; or it still is, at `due`. */
enum way_verdict way_judge(struct way *way, const struct wire_way *now, uint64_t ms);

/* Is there a way to any server with an address of that family? To IPv4 ones perhaps by `now->nat64`. */
bool way_leads(const struct wire_way *now, uint8_t family);

#endif
