/* The tunnel as the driver describes it: what openvpn reported, and what the server pushed. */
#ifndef BASE_WIRE_TUNNEL_H
#define BASE_WIRE_TUNNEL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/net.h"

enum { WIRE_SERVERS = 6, WIRE_DOMAINS = 4, WIRE_DOMAIN = 64, WIRE_NETWORKS = 32, WIRE_ROUTES = 64 };
enum { WIRE_MTU_MIN = 576, WIRE_MTU_MIN6 = 1280 };

/* A route that the server or the profile wants; the first one without a destination ends the list. */
struct wire_route {
	struct net_prefix to;       /* NET_NONE: none */
	struct net_address gateway; /* NET_NONE: the tunnel itself */
	uint8_t excluded;           /* 1: by the network's own router, past the tunnel */
};

struct wire_tunnel {
	char name[NET_NAME_SIZE];
	struct net_address address4, address6; /* NET_NONE: none */
	struct net_address peer4;              /* the other end's, if it is no subnet; else NET_NONE */
	uint8_t length4, length6;              /* of the tunnel's own subnets; 0: not reported */
	uint16_t mtu;                          /* 0: not reported yet */
	struct wire_route routes[WIRE_ROUTES];
	struct net_prefix networks[WIRE_NETWORKS]; /* the tunnel's own networks */
	struct net_address dns[WIRE_SERVERS];      /* pushed resolvers */
	char domains[WIRE_DOMAINS][WIRE_DOMAIN];   /* pushed search domains */
};

struct err;
/* Is every value valid, and is there at least one address? 0, or -1 and `e`. */
int wire_check_tunnel(const struct wire_tunnel *tunnel, struct err *e);
/* Is it a prefix without host bits, and not one to which no tunnel can lead (loopback, multicast, fe80::/10)?
 */
bool wire_can_be_routed(const struct net_prefix *to);

_Static_assert(sizeof(struct net_prefix) == 18, "no padding on the wire");
_Static_assert(sizeof(struct wire_route) == 36, "no padding on the wire");

#endif
