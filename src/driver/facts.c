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

/* "route_network_12" with prefix "route_network_": *at becomes the twelfth place. False if it is not that. */
static bool is_place(struct facts *facts, const char *name, const char *prefix, size_t *at)
{
	size_t length = strlen(prefix);
	uint64_t number;

	if (strncmp(name, prefix, length) != 0 || text_number(name + length, 1, UINT32_MAX, &number) == -1)
		return false;
	*at = (size_t)number - 1;
	facts->routes_left_out = facts->routes_left_out || number > FACTS_ROUTES;
	return number <= FACTS_ROUTES;
}

static bool take_route(struct facts *facts, const char *name, const char *value)
{
	struct net_prefix prefix;
	size_t i;

	if (is_place(facts, name, "route_network_", &i)) {
		take(&facts->routes4[i].network, NET_IPV4, value);
	} else if (is_place(facts, name, "route_netmask_", &i)) {
		take(&facts->routes4[i].mask, NET_IPV4, value);
	} else if (is_place(facts, name, "route_gateway_", &i)) {
		take(&facts->routes4[i].gateway, NET_IPV4, value);
	} else if (is_place(facts, name, "route_ipv6_gateway_", &i)) {
		take(&facts->routes6[i].gateway, NET_IPV6, value);
	} else if (!is_place(facts, name, "route_ipv6_network_", &i)) {
		return false;
	} else if (net_prefix_parse(value, &prefix) == 0 && prefix.address.family == NET_IPV6 &&
		   facts->routes6[i].network.family == NET_NONE) {
		facts->routes6[i].network = prefix.address;
		facts->routes6[i].length = prefix.length;
	}
	return true;
}

static bool take_size(struct facts *facts, const char *name, const char *value)
{
	uint64_t number;

	if (strcmp(name, "tun_mtu") == 0 && text_number(value, WIRE_MTU_MIN, UINT16_MAX, &number) == 0)
		facts->tunnel.mtu = (uint16_t)number;
	else if (strcmp(name, "ifconfig_ipv6_netbits") == 0 && text_number(value, 1, 128, &number) == 0)
		facts->length6 = (uint8_t)number;
	return strcmp(name, "tun_mtu") == 0 || strcmp(name, "ifconfig_ipv6_netbits") == 0;
}

void facts_env(struct facts *facts, const char *name, const char *value)
{
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
	} else if (strcmp(name, "route_net_gateway") == 0) {
		take(&facts->router4, NET_IPV4, value);
	} else if (strcmp(name, "net_gateway_ipv6") == 0) {
		take(&facts->router6, NET_IPV6, value);
	} else if (!take_size(facts, name, value) && !take_route(facts, name, value)) {
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

/* As the tunnel's own network, unless it is "everything" by another name. */
static void add_routed_network(struct facts *facts, const struct net_prefix *to)
{
	/* A route over the server itself is a way of saying "everything". */
	if (to->length >= SHORTEST_NETWORK && !net_prefix_contains(to, &facts->endpoint.address))
		add_network(facts, &to->address, to->length);
}

static bool same_way(const struct wire_route *a, const struct wire_route *b)
{
	return memcmp(&a->to, &b->to, sizeof a->to) == 0;
}

static void add_route(struct facts *facts, const struct facts_route *told, const struct net_address *router)
{
	struct wire_route route = {.to = {told->network, told->length}, .gateway = told->gateway};
	size_t i = 0;

	if (told->network.family == NET_IPV4) {
		int length = told->mask.family == NET_NONE ? 32 : mask_length(&told->mask);

		if (length == -1)
			return;
		route.to.length = (uint8_t)length;
		net_prefix_clear(&route.to);
	}
	if (!wire_can_be_routed(&route.to))
		return;
	route.excluded = router->family != NET_NONE && net_address_equal(router, &told->gateway);
	while (i < WIRE_ROUTES && facts->tunnel.routes[i].to.address.family != NET_NONE &&
	       !same_way(&facts->tunnel.routes[i], &route))
		i++;
	if (i == WIRE_ROUTES)
		facts->routes_left_out = true;
	else if (facts->tunnel.routes[i].to.address.family == NET_NONE)
		facts->tunnel.routes[i] = route;
	if (!route.excluded)
		add_routed_network(facts, &route.to);
}

void facts_finish(struct facts *facts)
{
	struct wire_tunnel *tunnel = &facts->tunnel;
	int length4 = facts->mask4.family == NET_NONE ? 32 : mask_length(&facts->mask4);

	memset(tunnel->networks, 0, sizeof tunnel->networks);
	memset(tunnel->routes, 0, sizeof tunnel->routes);
	tunnel->peer4 = facts->peer4;
	tunnel->length4 = tunnel->address4.family == NET_NONE || length4 == -1 ? 0 : (uint8_t)length4;
	tunnel->length6 = tunnel->address6.family == NET_NONE ? 0
			  : facts->length6 == 0               ? 128
							      : facts->length6;
	add_network(facts, &tunnel->address4, length4);
	add_network(facts, &facts->peer4, 32);
	add_network(facts, &tunnel->address6, tunnel->length6);
	add_network(facts, &facts->peer6, 128);
	for (size_t i = 0; i < FACTS_ROUTES; i++) {
		add_route(facts, &facts->routes4[i], &facts->router4);
		add_route(facts, &facts->routes6[i], &facts->router6);
	}
}

bool facts_same_addresses(const struct facts *facts, const struct wire_tunnel *told)
{
	return strcmp(facts->tunnel.name, told->name) == 0 &&
	       net_address_equal(&facts->tunnel.address4, &told->address4) &&
	       net_address_equal(&facts->tunnel.address6, &told->address6);
}
