/* What openvpn tells about the tunnel, checked: addresses, networks, DNS.
 * Everything comes from the server and is untrusted; what does not parse is left out. */
#ifndef DRIVER_FACTS_H
#define DRIVER_FACTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/wire_channel.h"

enum { FACTS_ROUTES = WIRE_ROUTES };

struct facts_route {
	struct net_address network;
	struct net_address mask; /* IPv4; NET_NONE: `length` counts */
	struct net_address gateway;
	uint8_t length;
};

struct facts {
	struct wire_tunnel tunnel; /* ready for the gate */
	struct net_endpoint endpoint;
	struct net_address mask4, peer4, peer6;
	struct net_address router4, router6; /* of the network that openvpn found itself in */
	uint8_t length6;
	struct facts_route routes4[FACTS_ROUTES], routes6[FACTS_ROUTES];
	bool routes_left_out;                                            /* there were more */
	uint32_t server_order[WIRE_SERVERS], domain_order[WIRE_DOMAINS]; /* lower comes first */
	const char *profile; /* canonical: its filters; NULL: none */
	size_t profile_length;
	bool dns_in_push_only; /* openvpn 2.7 and newer */
};

/* Begins anew for an attempt. */
void facts_begin(struct facts *facts, const char *interface, const struct net_endpoint *endpoint);
/* STATE ASSIGN_IP and CONNECTED; "" for none. */
void facts_addresses(struct facts *facts, const char *tun4, const char *tun6);
/* One line of an UPDOWN block. */
void facts_env(struct facts *facts, const char *name, const char *value);
/* One line of openvpn's log: its version, and options that a server pushed. */
void facts_log(struct facts *facts, const char *text);
/* After the block: makes the networks and routes. */
void facts_finish(struct facts *facts);
/* Are name and addresses those of `told`? */
bool facts_same_addresses(const struct facts *facts, const struct wire_tunnel *told);

#endif
