/* How openvpn's packets leave, as the gate tells the driver. */
#ifndef BASE_WIRE_WAY_H
#define BASE_WIRE_WAY_H

#include <stdint.h>

#include "base/net.h"

enum wire_no_way { NO_WAY4 = 1, NO_WAY6 = 2 };
struct wire_way {
	struct net_address local;   /* their source; NET_NONE: there is no way, or no attempt */
	struct net_address gateway; /* NET_NONE: none, the endpoint is on the link */
	uint8_t kept;               /* 1: the link still has the address that the attempt began with */
	uint8_t no_way;             /* families of which no remote of the profile is reached */
	uint32_t link;              /* its index */
	struct net_prefix
	    nat64; /* IPv4 remotes are reached by it, and not otherwise; length 0: they need none */
	uint8_t unused[2];
};

_Static_assert(sizeof(struct wire_way) == 60, "no padding on the wire");

#endif
