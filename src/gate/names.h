/* gate: the names of the profile, and which of their addresses may be dialled. */
#ifndef GATE_NAMES_H
#define GATE_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/wire_name.h"

struct gate;
struct gate_profile;
struct net_endpoint;

/* Zeroed: nothing is known. */
struct names {
	struct wire_name list[WIRE_NAMES];
	int64_t proven[WIRE_NAMES][WIRE_GOOD]; /* seconds since the epoch: of each good address */
	size_t count;
};

/* Are there a resolver and names to ask it for? */
bool names_can_ask(const struct gate *gate);

/* The profile may be another: takes its names. What is fresh stays with its name. */
void names_renew(struct names *names, const struct gate_profile *profile);

/* One that was good: the oldest first. Of names that the profile has not, nothing is taken. */
void names_load(struct names *names, const char *host, const struct net_address *address, int64_t when);

/* One answer of the resolver. The first one of a name takes the place of what was known; `known`: which had
 * one. False: it is none that anybody asked for, or no server can have that address. */
bool names_take(struct names *names, const struct wire_answer *answer, bool *known);

/* Is it an address of a name of the profile, with a port and protocol of that name? */
bool names_are_of(const struct names *names, const struct gate_profile *profile,
		  const struct net_endpoint *endpoint);

/* A tunnel is open with it. True: it is to be written. */
bool names_prove(struct names *names, const struct gate_profile *profile, const struct net_endpoint *endpoint,
		 int64_t now);

#endif
