/* The names of the profile's servers and their addresses, as gate, driver and the child that asks tell each
 * other. */
#ifndef BASE_WIRE_NAME_H
#define BASE_WIRE_NAME_H

#include "base/net.h"

/* A name in the profile; an address without a family ends a list. */
enum { WIRE_HOST = 256, WIRE_FRESH = 16, WIRE_GOOD = 4, WIRE_NAMES = 16 };
struct wire_name {
	char host[WIRE_HOST];
	struct net_address fresh[WIRE_FRESH]; /* as the resolver said last */
	struct net_address good[WIRE_GOOD];   /* those that a tunnel was open with, the latest first */
};

/* What the child that asks hands to the gate, one for each address. */
struct wire_answer {
	char host[WIRE_HOST];
	struct net_address address;
};

_Static_assert(sizeof(struct wire_answer) == 256 + 17, "no padding on the wire");

#endif
