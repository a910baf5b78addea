/* Is a situation a whole one? Asked before any rule is made of it. */
#include <string.h>

#include "base/text.h"
#include "policy/rules.h"

static bool is_somebody(const struct identity *identity)
{
	return identity->known || identity->name[0] != '\0';
}

/* Names become text that a filter parses: nothing but a name may pass. */
static int check_identity(const struct identity *identity, const char *which, struct err *e)
{
	if (!identity->known && identity->name[0] != '\0' &&
	    !text_is_name(identity->name, sizeof identity->name - 1))
		return err_set(e, "%s: not a name; instead: letters, digits, '.', '_' and '-'", which);
	return 0;
}

static int check_identities(const struct situation *s, struct err *e)
{
	if (check_identity(&s->openvpn_group, "openvpn's group", e) == -1 ||
	    check_identity(&s->driver_user, "the driver's user", e) == -1 ||
	    check_identity(&s->dhcp_user, "the DHCP client's user", e) == -1 ||
	    check_identity(&s->portal.group, "the portal's group", e) == -1)
		return -1;
	if (s->state != POLICY_LOCKED && !is_somebody(&s->openvpn_group))
		return err_set(e, "no group for openvpn: everybody could use the hole");
	if (s->resolver.family != NET_NONE && !is_somebody(&s->driver_user))
		return err_set(e, "no user for the driver: everybody could reach the resolver");
	return 0;
}

static int check_prefixes(const struct net_prefix *prefixes, size_t count, size_t most, const char *which,
			  struct err *e)
{
	if (count > most)
		return err_set(e, "%s: %zu, at most %zu", which, count, most);
	for (size_t i = 0; i < count; i++) {
		const struct net_prefix *prefix = &prefixes[i];
		uint8_t family = prefix->address.family;

		if ((family != NET_IPV4 && family != NET_IPV6) ||
		    prefix->length > (family == NET_IPV4 ? 32 : 128))
			return err_set(e, "%s: number %zu is not a prefix", which, i + 1);
	}
	return 0;
}

static int check_links(const struct situation *s, struct err *e)
{
	if (s->link_count > SITUATION_LINKS)
		return err_set(e, "links: %zu, at most %d", s->link_count, SITUATION_LINKS);
	for (size_t i = 0; i < s->link_count; i++)
		if (!net_is_interface_name(s->links[i]))
			return err_set(e, "links: number %zu is not an interface's name", i + 1);
	if (s->tunnel.name[0] != '\0' && !net_is_interface_name(s->tunnel.name))
		return err_set(e, "tunnel: not an interface's name");
	return 0;
}

static int check_lan_side(const struct situation *s, struct err *e)
{
	if (s->lan_side_count > SITUATION_LAN_SIDE)
		return err_set(e, "LAN-side links: %zu, at most %d", s->lan_side_count, SITUATION_LAN_SIDE);
	for (size_t i = 0; i < s->lan_side_count; i++) {
		if (!net_is_interface_name(s->lan_side[i]))
			return err_set(e, "LAN-side links: number %zu is not an interface's name", i + 1);
		if (strcmp(s->lan_side[i], s->tunnel.name) == 0)
			return err_set(e, "LAN-side links: %s is the tunnel", s->lan_side[i]);
	}
	return 0;
}

static int check_endpoint(const struct situation *s, struct err *e)
{
	char text[NET_ADDRESS_TEXT];

	/* Before the first attempt names may be asked for. */
	if (s->endpoint.address.family == NET_NONE)
		return s->state == POLICY_DIALLING && s->resolver.family != NET_NONE
			   ? 0
			   : err_set(e, "no endpoint to dial");
	if (!net_address_is_dialable(&s->endpoint.address))
		return err_set(e, "endpoint %s: no server can have this address",
			       net_address_text(&s->endpoint.address, text));
	if (s->endpoint.port == 0 || (s->endpoint.proto != NET_UDP && s->endpoint.proto != NET_TCP))
		return err_set(e, "endpoint: no port, or neither udp nor tcp");
	return 0;
}

static int check_addresses(const struct situation *s, struct err *e)
{
	if (s->tunnel.address4.family != NET_NONE && s->tunnel.address4.family != NET_IPV4)
		return err_set(e, "tunnel: its IPv4 address is not valid");
	if (s->tunnel.address6.family != NET_NONE && s->tunnel.address6.family != NET_IPV6)
		return err_set(e, "tunnel: its IPv6 address is not valid");
	if (s->resolver.family != NET_NONE && !net_address_is_dialable(&s->resolver))
		return err_set(e, "resolver: no server can have this address");
	return 0;
}

int policy_check(const struct situation *s, struct err *e)
{
	if (s->state != POLICY_LOCKED && s->state != POLICY_DIALLING && s->state != POLICY_OPEN)
		return err_set(e, "no such state: %u", (unsigned)s->state);
	if (check_identities(s, e) == -1 || check_links(s, e) == -1 || check_lan_side(s, e) == -1 ||
	    check_addresses(s, e) == -1)
		return -1;
	if (check_prefixes(s->tunnel.networks, s->tunnel.network_count, SITUATION_NETWORKS,
			   "tunnel's networks", e) == -1 ||
	    check_prefixes(s->neighbours, s->neighbour_count, SITUATION_NEIGHBOURS, "neighbours", e) == -1)
		return -1;
	if (s->state != POLICY_LOCKED && check_endpoint(s, e) == -1)
		return -1;
	if (s->state != POLICY_OPEN)
		return 0;
	if (s->tunnel.name[0] == '\0')
		return err_set(e, "open without a tunnel");
	if (s->tunnel.address4.family == NET_NONE && s->tunnel.address6.family == NET_NONE)
		return err_set(e, "open with a tunnel that has no address");
	return 0;
}

bool policy_has_hole(const struct situation *s)
{
	return s->state != POLICY_LOCKED && s->endpoint.address.family != NET_NONE;
}

bool policy_has_portal(const struct situation *s)
{
	return s->state != POLICY_OPEN && s->portal.until != 0 && is_somebody(&s->portal.group);
}

void policy_bare(const struct situation *s, struct situation *bare)
{
	const struct identity nobody = {.known = true, .number = POLICY_NOBODY};

	memset(bare, 0, sizeof *bare);
	bare->state = POLICY_LOCKED;
	bare->openvpn_group = bare->driver_user = nobody;
	bare->links_left_out = s->links_left_out;
	for (size_t i = 0; i < s->link_count && i < SITUATION_LINKS; i++)
		if (memchr(s->links[i], '\0', NET_NAME_SIZE) != NULL && net_is_interface_name(s->links[i]))
			text_copy(bare->links[bare->link_count++], NET_NAME_SIZE, s->links[i]);
	if (s->tunnel.address4.family == NET_IPV4)
		bare->tunnel.address4 = s->tunnel.address4;
	if (s->tunnel.address6.family == NET_IPV6)
		bare->tunnel.address6 = s->tunnel.address6;
}
