/* The channel: is what came over it something that there can be? */
#include "base/wire_channel.h"

#include <string.h>

#include "base/err.h"
#include "base/text.h"

static int check_address(const struct net_address *address, uint8_t family, struct err *e)
{
	struct net_prefix whole = {*address, family == NET_IPV4 ? 32 : 128};

	if (address->family == NET_NONE)
		return 0;
	if (address->family != family || !net_prefix_is_clean(&whole) || !net_address_is_dialable(address))
		return err_set(e, "the tunnel's address can't be one");
	return 0;
}

static int check_words(const struct wire_tunnel *tunnel, struct err *e)
{
	for (size_t i = 0; i < WIRE_SERVERS; i++) {
		uint8_t family = tunnel->dns[i].family;

		if (family != NET_NONE && family != NET_IPV4 && family != NET_IPV6)
			return err_set(e, "a DNS server is no address");
	}
	for (size_t i = 0; i < WIRE_DOMAINS; i++) {
		if (memchr(tunnel->domains[i], '\0', WIRE_DOMAIN) == NULL ||
		    (tunnel->domains[i][0] != '\0' && !text_is_name(tunnel->domains[i], WIRE_DOMAIN - 1)))
			return err_set(e, "a search domain is no domain");
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
			return err_set(e, "a network of the tunnel is none");
	}
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
	return check_networks(tunnel, e) == -1 ? -1 : check_words(tunnel, e);
}
