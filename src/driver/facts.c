/* What openvpn tells about the tunnel, checked: addresses and networks. */
#include "driver/facts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "driver/facts_dns.h"

/* Routes shorter than that are "everything" cut in pieces (redirect-gateway),
 * no networks of the tunnel's own. */
enum { SHORTEST_NETWORK = 8 };

void facts_begin(struct facts *facts, const char *interface, const struct net_endpoint *endpoint)
{
	memset(facts, 0, sizeof *facts);
	text_copy(facts->tunnel.name, sizeof facts->tunnel.name, interface);
	facts->endpoint = *endpoint;
}

static void take(struct net_address *to, uint8_t family, const char *text)
{
	struct net_address address;

	if (net_address_parse(text, &address) == 0 && address.family == family)
		*to = address;
}

void facts_addresses(struct facts *facts, const char *tun4, const char *tun6)
{
	take(&facts->tunnel.address4, NET_IPV4, tun4);
	take(&facts->tunnel.address6, NET_IPV6, tun6);
}

/* "route_network_12" with prefix "route_network_" is 12; 0 if it is not that. */
static uint32_t number_after(const char *name, const char *prefix)
{
	size_t length = strlen(prefix);
	uint64_t number;

	if (strncmp(name, prefix, length) != 0 || text_number(name + length, 1, FACTS_ROUTES, &number) == -1)
		return 0;
	return (uint32_t)number;
}

static bool take_route(struct facts *facts, const char *name, const char *value)
{
	struct net_prefix prefix;
	uint32_t number;

	if ((number = number_after(name, "route_network_")) != 0) {
		take(&facts->routes[number - 1].network, NET_IPV4, value);
		return true;
	}
	if ((number = number_after(name, "route_netmask_")) != 0) {
		take(&facts->routes[number - 1].mask, NET_IPV4, value);
		return true;
	}
	if ((number = number_after(name, "route_ipv6_network_")) != 0) {
		/* From the other end, as IPv4 and IPv6 are counted apart. */
		struct facts_route *route = &facts->routes[FACTS_ROUTES - number];

		if (net_prefix_parse(value, &prefix) == 0 && prefix.address.family == NET_IPV6 &&
		    route->network.family == NET_NONE) {
			route->network = prefix.address;
			route->length = prefix.length;
		}
		return true;
	}
	return false;
}

void facts_env(struct facts *facts, const char *name, const char *value)
{
	uint64_t bits;

	if (strcmp(name, "dev") == 0) {
		if (net_is_interface_name(value))
			text_copy(facts->tunnel.name, sizeof facts->tunnel.name, value);
	} else if (strcmp(name, "ifconfig_local") == 0) {
		take(&facts->tunnel.address4, NET_IPV4, value);
	} else if (strcmp(name, "ifconfig_ipv6_local") == 0) {
		take(&facts->tunnel.address6, NET_IPV6, value);
	} else if (strcmp(name, "ifconfig_netmask") == 0) {
		take(&facts->mask4, NET_IPV4, value);
	} else if (strcmp(name, "ifconfig_remote") == 0) {
		take(&facts->peer4, NET_IPV4, value);
	} else if (strcmp(name, "ifconfig_ipv6_remote") == 0) {
		take(&facts->peer6, NET_IPV6, value);
	} else if (strcmp(name, "ifconfig_ipv6_netbits") == 0) {
		if (text_number(value, 1, 128, &bits) == 0)
			facts->length6 = (uint8_t)bits;
	} else if (!take_route(facts, name, value)) {
		facts_dns_env(facts, name, value);
	}
}

/* -1 if the mask has a hole. */
static int mask_length(const struct net_address *mask)
{
	uint32_t bits = (uint32_t)mask->bytes[0] << 24 | (uint32_t)mask->bytes[1] << 16 |
			(uint32_t)mask->bytes[2] << 8 | mask->bytes[3];
	int length = 0;

	while (length < 32 && bits & 0x80000000u >> length)
		length++;
	return length == 32 || bits << length == 0 ? length : -1;
}

static void add_network(struct facts *facts, const struct net_address *address, int length)
{
	char text[NET_ADDRESS_TEXT], whole[NET_PREFIX_TEXT];
	struct net_prefix prefix;

	if (address->family == NET_NONE || length < SHORTEST_NETWORK)
		return;
	snprintf(whole, sizeof whole, "%s/%d", net_address_text(address, text), length);
	if (net_prefix_parse(whole, &prefix) == -1)
		return;
	for (size_t i = 0; i < WIRE_NETWORKS; i++) {
		struct net_prefix *place = &facts->tunnel.networks[i];

		if (memcmp(place, &prefix, sizeof prefix) == 0)
			return;
		if (place->address.family == NET_NONE) {
			*place = prefix;
			return;
		}
	}
}

static void add_route(struct facts *facts, const struct facts_route *route)
{
	struct net_prefix prefix = {.address = route->network, .length = route->length};
	int length = route->network.family == NET_IPV4 ? mask_length(&route->mask) : route->length;

	if (route->network.family == NET_NONE || length < SHORTEST_NETWORK)
		return;
	if (route->network.family == NET_IPV4 && route->mask.family == NET_NONE)
		length = 32;
	prefix.length = (uint8_t)length;
	/* A route over the server itself is a way of saying "everything". */
	if (!net_prefix_contains(&prefix, &facts->endpoint.address))
		add_network(facts, &route->network, length);
}

void facts_finish(struct facts *facts)
{
	memset(facts->tunnel.networks, 0, sizeof facts->tunnel.networks);
	add_network(facts, &facts->tunnel.address4,
		    facts->mask4.family == NET_NONE ? 32 : mask_length(&facts->mask4));
	add_network(facts, &facts->peer4, 32);
	add_network(facts, &facts->tunnel.address6, facts->length6 == 0 ? 128 : facts->length6);
	add_network(facts, &facts->peer6, 128);
	for (size_t i = 0; i < FACTS_ROUTES; i++)
		add_route(facts, &facts->routes[i]);
}

bool facts_same_addresses(const struct facts *facts, const struct wire_tunnel *told)
{
	return strcmp(facts->tunnel.name, told->name) == 0 &&
	       net_address_equal(&facts->tunnel.address4, &told->address4) &&
	       net_address_equal(&facts->tunnel.address6, &told->address6);
}
