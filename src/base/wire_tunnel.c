/* What the driver reports of the tunnel: is it valid? */
#include "base/wire_tunnel.h"

#include <stdbool.h>
#include <string.h>

#include "base/err.h"
#include "base/text.h"

static int check_address(const struct net_address *address, uint8_t family, struct err *e)
{
	struct net_prefix whole = {*address, family == NET_IPV4 ? 32 : 128};

	if (address->family == NET_NONE)
		return 0;
	if (address->family != family || !net_prefix_is_clean(&whole) || !net_address_is_dialable(address))
		return err_set(e, "the tunnel's address is not valid");
	return 0;
}

static int check_words(const struct wire_tunnel *tunnel, struct err *e)
{
	for (size_t i = 0; i < WIRE_SERVERS; i++) {
		uint8_t family = tunnel->dns[i].family;

		if (family != NET_NONE && family != NET_IPV4 && family != NET_IPV6)
			return err_set(e, "a DNS server is not an address");
	}
	for (size_t i = 0; i < WIRE_DOMAINS; i++) {
		if (memchr(tunnel->domains[i], '\0', WIRE_DOMAIN) == NULL ||
		    (tunnel->domains[i][0] != '\0' && !text_is_name(tunnel->domains[i], WIRE_DOMAIN - 1)))
			return err_set(e, "a search domain is not a domain name");
	}
	return 0;
}

static int check_networks(const struct wire_tunnel *tunnel, struct err *e)
{
	for (size_t i = 0; i < WIRE_NETWORKS; i++) {
		uint8_t family = tunnel->networks[i].address.family, length = tunnel->networks[i].length;

		if (!net_prefix_is_clean(&tunnel->networks[i]) ||
		    (family != NET_NONE && (family != NET_IPV4 || length > 32) &&
		     (family != NET_IPV6 || length > 128)))
			return err_set(e, "a network of the tunnel is not valid");
	}
	return 0;
}

static int check_subnet(const struct net_address *address, uint8_t length, struct err *e)
{
	if (length > (address->family == NET_IPV4 ? 32 : 128) || (length > 0 && address->family == NET_NONE))
		return err_set(e, "the tunnel's subnet is not valid");
	return 0;
}

/* A gateway is in the tunnel if it is the other end, or an address in the tunnel's own subnet. */
static bool is_inside(const struct wire_tunnel *tunnel, const struct net_address *gateway)
{
	struct net_prefix subnet4 = {tunnel->address4, tunnel->length4},
			  subnet6 = {tunnel->address6, tunnel->length6};

	net_prefix_clear(&subnet4);
	net_prefix_clear(&subnet6);
	return net_address_equal(gateway, &tunnel->peer4) ||
	       (subnet4.length > 0 && net_prefix_contains(&subnet4, gateway)) ||
	       (subnet6.length > 0 && net_prefix_contains(&subnet6, gateway));
}

bool wire_can_be_routed(const struct net_prefix *to)
{
	/* Loopback, multicast and reserved, IPv6 on the link: never by a tunnel. */
	static const struct net_prefix never[] = {{{NET_IPV4, {127}}, 8},
						  {{NET_IPV4, {224}}, 3},
						  {{NET_IPV6, {[15] = 1}}, 128},
						  {{NET_IPV6, {0xfe, 0x80}}, 10},
						  {{NET_IPV6, {0xff}}, 8}};

	if ((to->address.family != NET_IPV4 || to->length > 32) &&
	    (to->address.family != NET_IPV6 || to->length > 128))
		return false;
	for (size_t i = 0; i < sizeof never / sizeof *never; i++) {
		if (to->length >= never[i].length && net_prefix_contains(&never[i], &to->address))
			return false;
	}
	return net_prefix_is_clean(to);
}

static int check_route(const struct wire_tunnel *tunnel, const struct wire_route *route, struct err *e)
{
	uint8_t family = route->to.address.family, other = route->gateway.family;
	char to[NET_PREFIX_TEXT], by[NET_ADDRESS_TEXT];

	if (!wire_can_be_routed(&route->to) || route->excluded > 1)
		return err_set(e, "a route of the tunnel is not valid");
	if (other == NET_NONE || route->excluded == 1)
		return 0;
	if (other != family)
		return err_set(e, "the gateway of a route is not valid");
	if (!is_inside(tunnel, &route->gateway))
		return err_set(e, "the route to %s uses the gateway %s, which is not in the tunnel",
			       net_prefix_text(&route->to, to), net_address_text(&route->gateway, by));
	return 0;
}

static int check_routes(const struct wire_tunnel *tunnel, struct err *e)
{
	for (size_t i = 0; i < WIRE_ROUTES && tunnel->routes[i].to.address.family != NET_NONE; i++) {
		if (check_route(tunnel, &tunnel->routes[i], e) == -1)
			return -1;
	}
	return 0;
}

/* IPv6 requires 1280 bytes (RFC 8200), IPv4 576 (RFC 791). */
static int check_size(const struct wire_tunnel *tunnel, struct err *e)
{
	unsigned least = tunnel->address6.family != NET_NONE ? WIRE_MTU_MIN6 : WIRE_MTU_MIN;

	if (tunnel->mtu != 0 && tunnel->mtu < least)
		return err_set(e, "the tunnel's MTU of %u is too small: at least %u", tunnel->mtu, least);
	return 0;
}

int wire_check_tunnel(const struct wire_tunnel *tunnel, struct err *e)
{
	if (memchr(tunnel->name, '\0', sizeof tunnel->name) == NULL || !net_is_interface_name(tunnel->name))
		return err_set(e, "the interface is not ours");
	if (check_address(&tunnel->address4, NET_IPV4, e) == -1 ||
	    check_address(&tunnel->address6, NET_IPV6, e) == -1)
		return -1;
	if (tunnel->address4.family == NET_NONE && tunnel->address6.family == NET_NONE)
		return err_set(e, "the tunnel has no address");
	if (check_address(&tunnel->peer4, NET_IPV4, e) == -1 ||
	    check_subnet(&tunnel->address4, tunnel->length4, e) == -1 ||
	    check_subnet(&tunnel->address6, tunnel->length6, e) == -1 || check_size(tunnel, e) == -1 ||
	    check_routes(tunnel, e) == -1)
		return -1;
	return check_networks(tunnel, e) == -1 ? -1 : check_words(tunnel, e);
}
