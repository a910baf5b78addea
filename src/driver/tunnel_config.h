/* The tunnel's configuration as openvpn reports it, checked: addresses, networks, routes, DNS.
 * All of it comes from the server and is untrusted; what does not parse is left out. */
#ifndef DRIVER_TUNNEL_CONFIG_H
#define DRIVER_TUNNEL_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/wire_channel.h"

enum { TUNNEL_CONFIG_ROUTES = WIRE_ROUTES };

struct tunnel_config_route {
	struct net_address network;
	struct net_address mask; /* IPv4; NET_NONE: `length` counts */
	struct net_address gateway;
	uint8_t length;
};

struct tunnel_config {
	struct wire_tunnel tunnel; /* ready for the gate */
	struct net_endpoint endpoint;
	struct net_address mask4, peer4, peer6;
	struct net_address router4, router6; /* the default gateways that openvpn found */
	uint8_t length6;
	struct tunnel_config_route routes4[TUNNEL_CONFIG_ROUTES], routes6[TUNNEL_CONFIG_ROUTES];
	bool routes_left_out;                                            /* there were more */
	uint32_t server_order[WIRE_SERVERS], domain_order[WIRE_DOMAINS]; /* lower comes first */
	const char *profile; /* canonical: its filters and settings; "": none */
	size_t profile_length;
	bool dns_in_push_only; /* openvpn 2.7 and newer */
	bool limit_pushed;     /* a ping-restart or a ping-exit: `limit`, as it was pushed */
	uint32_t limit, ping;  /* seconds; 0: none */
};

/* Empties it for a new attempt. */
void tunnel_config_begin(struct tunnel_config *config, const char *interface,
			 const struct net_endpoint *endpoint);
/* The addresses of >STATE ASSIGN_IP and CONNECTED; "" for none. */
void tunnel_config_set_addresses(struct tunnel_config *config, const char *tun4, const char *tun6);
/* One line of an UPDOWN block. */
void tunnel_config_read_env(struct tunnel_config *config, const char *name, const char *value);
/* One line of openvpn's log: its version, and options that a server pushed. */
void tunnel_config_read_log(struct tunnel_config *config, const char *text);
/* So many seconds of silence mean that the server is dead, from what it pushed or from the profile: 10 to
 * 120. 0: it may be silent for ever, as nothing says that it sends pings. */
uint32_t tunnel_config_dead_peer(const struct tunnel_config *config);
/* After the block: fills in `tunnel`'s networks and routes. */
void tunnel_config_finish(struct tunnel_config *config);
/* Are its name and addresses those of `other`? */
bool tunnel_config_has_addresses(const struct tunnel_config *config, const struct wire_tunnel *other);

#endif
