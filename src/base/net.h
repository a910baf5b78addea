/* Addresses, prefixes and endpoints as values. */
#ifndef BASE_NET_H
#define BASE_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum net_family { NET_NONE = 0, NET_IPV4 = 4, NET_IPV6 = 6 };
enum net_proto { NET_TCP = 6, NET_UDP = 17 }; /* the protocol's number (IANA) */
enum { NET_ADDRESS_TEXT = 46, NET_PREFIX_TEXT = 50, NET_ENDPOINT_TEXT = 64, NET_NAME_SIZE = 16 };

/* Fixed size, no padding: also the form on the wire between our programs. */
struct net_address {
	uint8_t family;    /* enum net_family */
	uint8_t bytes[16]; /* network order; the first 4 for IPv4, rest 0 */
};

struct net_prefix {
	struct net_address address; /* host bits are 0 */
	uint8_t length;
};

/* What openvpn's socket talks to. */
struct net_endpoint {
	struct net_address address;
	uint8_t proto; /* enum net_proto */
	uint16_t port; /* host order, 1..65535 */
};

/* A literal address, nothing else (no scope, no brackets). 0, or -1. */
int net_address_parse(const char *from, struct net_address *address);
/* "ADDR/LEN"; host bits are cleared. 0, or -1. */
int net_prefix_parse(const char *from, struct net_prefix *prefix);
/* "ADDR:PORT/PROTO", IPv6 as "[ADDR]:PORT/PROTO". 0, or -1. */
int net_endpoint_parse(const char *from, struct net_endpoint *endpoint);

/* Each writes into `to` (NET_*_TEXT bytes) and returns it; "" for NET_NONE. */
const char *net_address_text(const struct net_address *address, char *to);
const char *net_prefix_text(const struct net_prefix *prefix, char *to);
const char *net_endpoint_text(const struct net_endpoint *endpoint, char *to);
const char *net_proto_text(uint8_t proto); /* "udp", "tcp", "" */

bool net_address_equal(const struct net_address *a, const struct net_address *b);
bool net_endpoint_equal(const struct net_endpoint *a, const struct net_endpoint *b);
/* Sorts the addresses so that the families take turns. Each family keeps its order, and the first address
 * stays first. */
void net_alternate(struct net_address *addresses, size_t count);
bool net_prefix_contains(const struct net_prefix *prefix, const struct net_address *address);

/* Sets all bits after the prefix's length to 0. Are they 0, as they must be? */
void net_prefix_clear(struct net_prefix *prefix);
bool net_prefix_is_clean(const struct net_prefix *prefix);

/* May openvpn talk to it: a global or private unicast address; not this host,
 * loopback, link-local, multicast, broadcast, v4-mapped or v4-compatible. */
bool net_address_is_dialable(const struct net_address *address);

/* An interface name as Linux and the BSDs take it: 1..15 of [A-Za-z0-9_.-],
 * not "." or "..", not beginning with '-'. */
bool net_is_interface_name(const char *name);

#endif
