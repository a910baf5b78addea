/* The tunnel's configuration as openvpn reports it, checked: addresses, networks and routes. */
#include "driver/tunnel_config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "driver/tunnel_config_dns.h"

/* A route with a shorter prefix is a piece of "everything" (redirect-gateway),
 * not a network of the tunnel's own. */
enum { SHORTEST_NETWORK = 8 };

void tunnel_config_begin(struct tunnel_config *config, const char *interface,
			 const struct net_endpoint *endpoint)
{
	memset(config, 0, sizeof *config);
	text_copy(config->tunnel.name, sizeof config->tunnel.name, interface);
	config->endpoint = *endpoint;
	config->profile = "";
}

static void set_address(struct net_address *to, uint8_t family, const char *text)
{
	struct net_address address;

	if (net_address_parse(text, &address) == 0 && address.family == family)
		*to = address;
}

void tunnel_config_set_addresses(struct tunnel_config *config, const char *tun4, const char *tun6)
{
	set_address(&config->tunnel.address4, NET_IPV4, tun4);
	set_address(&config->tunnel.address6, NET_IPV6, tun6);
}

/* "route_network_12" with prefix "route_network_": *at becomes 11. False: another name, or too
 * high a number. */
static bool parse_index(struct tunnel_config *config, const char *name, const char *prefix, size_t *at)
{
	size_t length = strlen(prefix);
	uint64_t number;

	if (strncmp(name, prefix, length) != 0 || text_number(name + length, 1, UINT32_MAX, &number) == -1)
		return false;
	*at = (size_t)number - 1;
	config->routes_left_out = config->routes_left_out || number > TUNNEL_CONFIG_ROUTES;
	return number <= TUNNEL_CONFIG_ROUTES;
}

static bool parse_route(struct tunnel_config *config, const char *name, const char *value)
{
	struct net_prefix prefix;
	size_t i;

	if (parse_index(config, name, "route_network_", &i)) {
		set_address(&config->routes4[i].network, NET_IPV4, value);
	} else if (parse_index(config, name, "route_netmask_", &i)) {
		set_address(&config->routes4[i].mask, NET_IPV4, value);
	} else if (parse_index(config, name, "route_gateway_", &i)) {
		set_address(&config->routes4[i].gateway, NET_IPV4, value);
	} else if (parse_index(config, name, "route_ipv6_gateway_", &i)) {
		set_address(&config->routes6[i].gateway, NET_IPV6, value);
	} else if (!parse_index(config, name, "route_ipv6_network_", &i)) {
		return false;
	} else if (net_prefix_parse(value, &prefix) == 0 && prefix.address.family == NET_IPV6 &&
		   config->routes6[i].network.family == NET_NONE) {
		config->routes6[i].network = prefix.address;
		config->routes6[i].length = prefix.length;
	}
	return true;
}

static bool parse_number(struct tunnel_config *config, const char *name, const char *value)
{
	uint64_t number;

	if (strcmp(name, "tun_mtu") == 0 && text_number(value, WIRE_MTU_MIN, UINT16_MAX, &number) == 0)
		config->tunnel.mtu = (uint16_t)number;
	else if (strcmp(name, "ifconfig_ipv6_netbits") == 0 && text_number(value, 1, 128, &number) == 0)
		config->length6 = (uint8_t)number;
	return strcmp(name, "tun_mtu") == 0 || strcmp(name, "ifconfig_ipv6_netbits") == 0;
}

void tunnel_config_read_env(struct tunnel_config *config, const char *name, const char *value)
{
	if (strcmp(name, "dev") == 0) {
		if (net_is_interface_name(value))
			text_copy(config->tunnel.name, sizeof config->tunnel.name, value);
	} else if (strcmp(name, "ifconfig_local") == 0) {
		set_address(&config->tunnel.address4, NET_IPV4, value);
	} else if (strcmp(name, "ifconfig_ipv6_local") == 0) {
		set_address(&config->tunnel.address6, NET_IPV6, value);
	} else if (strcmp(name, "ifconfig_netmask") == 0) {
		set_address(&config->mask4, NET_IPV4, value);
	} else if (strcmp(name, "ifconfig_remote") == 0) {
		set_address(&config->peer4, NET_IPV4, value);
	} else if (strcmp(name, "ifconfig_ipv6_remote") == 0) {
		set_address(&config->peer6, NET_IPV6, value);
	} else if (strcmp(name, "route_net_gateway") == 0) {
		set_address(&config->router4, NET_IPV4, value);
	} else if (strcmp(name, "net_gateway_ipv6") == 0) {
		set_address(&config->router6, NET_IPV6, value);
	} else if (!parse_number(config, name, value) && !parse_route(config, name, value)) {
		tunnel_config_dns_read_env(config, name, value);
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

static void add_network(struct tunnel_config *config, const struct net_address *address, int length)
{
	char text[NET_ADDRESS_TEXT], whole[NET_PREFIX_TEXT];
	struct net_prefix prefix;

	if (address->family == NET_NONE || length < SHORTEST_NETWORK)
		return;
	snprintf(whole, sizeof whole, "%s/%d", net_address_text(address, text), length);
	if (net_prefix_parse(whole, &prefix) == -1)
		return;
	for (size_t i = 0; i < WIRE_NETWORKS; i++) {
		struct net_prefix *place = &config->tunnel.networks[i];

		if (memcmp(place, &prefix, sizeof prefix) == 0)
			return;
		if (place->address.family == NET_NONE) {
			*place = prefix;
			return;
		}
	}
}

/* As the tunnel's own network, unless it is "everything" by another name. */
static void add_routed_network(struct tunnel_config *config, const struct net_prefix *to)
{
	/* A route over the server itself is a way of saying "everything". */
	if (to->length >= SHORTEST_NETWORK && !net_prefix_contains(to, &config->endpoint.address))
		add_network(config, &to->address, to->length);
}

static bool same_way(const struct wire_route *a, const struct wire_route *b)
{
	return memcmp(&a->to, &b->to, sizeof a->to) == 0;
}

static void add_route(struct tunnel_config *config, const struct tunnel_config_route *pushed,
		      const struct net_address *router)
{
	struct wire_route route = {.to = {pushed->network, pushed->length}, .gateway = pushed->gateway};
	size_t i = 0;

	if (pushed->network.family == NET_IPV4) {
		int length = pushed->mask.family == NET_NONE ? 32 : mask_length(&pushed->mask);

		if (length == -1)
			return;
		route.to.length = (uint8_t)length;
		net_prefix_clear(&route.to);
	}
	if (!wire_can_be_routed(&route.to))
		return;
	route.excluded = router->family != NET_NONE && net_address_equal(router, &pushed->gateway);
	while (i < WIRE_ROUTES && config->tunnel.routes[i].to.address.family != NET_NONE &&
	       !same_way(&config->tunnel.routes[i], &route))
		i++;
	if (i == WIRE_ROUTES)
		config->routes_left_out = true;
	else if (config->tunnel.routes[i].to.address.family == NET_NONE)
		config->tunnel.routes[i] = route;
	if (!route.excluded)
		add_routed_network(config, &route.to);
}

void tunnel_config_finish(struct tunnel_config *config)
{
	struct wire_tunnel *tunnel = &config->tunnel;
	int length4 = config->mask4.family == NET_NONE ? 32 : mask_length(&config->mask4);

	memset(tunnel->networks, 0, sizeof tunnel->networks);
	memset(tunnel->routes, 0, sizeof tunnel->routes);
	tunnel->peer4 = config->peer4;
	tunnel->length4 = tunnel->address4.family == NET_NONE || length4 == -1 ? 0 : (uint8_t)length4;
	tunnel->length6 = tunnel->address6.family == NET_NONE ? 0
			  : config->length6 == 0              ? 128
							      : config->length6;
	add_network(config, &tunnel->address4, length4);
	add_network(config, &config->peer4, 32);
	add_network(config, &tunnel->address6, tunnel->length6);
	add_network(config, &config->peer6, 128);
	for (size_t i = 0; i < TUNNEL_CONFIG_ROUTES; i++) {
		add_route(config, &config->routes4[i], &config->router4);
		add_route(config, &config->routes6[i], &config->router6);
	}
}

bool tunnel_config_has_addresses(const struct tunnel_config *config, const struct wire_tunnel *other)
{
	return strcmp(config->tunnel.name, other->name) == 0 &&
	       net_address_equal(&config->tunnel.address4, &other->address4) &&
	       net_address_equal(&config->tunnel.address6, &other->address6);
}
