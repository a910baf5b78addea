/* Who is in each set of the rules, for one situation. */
#include <stdlib.h>
#include <string.h>

#include "policy/rules.h"

struct list {
	struct net_prefix members[RULE_MEMBERS_MAX];
	size_t count;
};

/* The members that no situation changes, as text because it is read more often than run. */
static const char *const dhcp_servers[] = {"10.0.0.0/8",    "100.64.0.0/10",  "169.254.0.0/16",
					   "172.16.0.0/12", "192.168.0.0/16", "255.255.255.255/32",
					   "fe80::/10",     "ff02::1:2/128",  NULL};
/* 239.255.255.250: SSDP and WS-Discovery, in IPv4's local scope (RFC 2365, section 6.1). */
static const char *const lan[] = {"10.0.0.0/8",
				  "169.254.0.0/16",
				  "172.16.0.0/12",
				  "192.168.0.0/16",
				  "224.0.0.0/24",
				  "239.255.255.250/32",
				  "255.255.255.255/32",
				  "fc00::/7",
				  "fe80::/10",
				  "ff02::/16",
				  NULL};
static const char *const private[] = {"10.0.0.0/8",     "100.64.0.0/10", "169.254.0.0/16", "172.16.0.0/12",
				      "192.168.0.0/16", "fc00::/7",      "fe80::/10",      NULL};
static const char *const neighbours[] = {"::/128", "fe80::/10", "ff02::1/128", "ff02::1:ff00:0/104", NULL};
static const char *const link_local[] = {"fe80::/10", NULL};
static const char *const link_local_or_none[] = {"::/128", "fe80::/10", NULL};
static const char *const all_routers[] = {"ff02::2/128", NULL};
static const char *const mld_routers[] = {"ff02::2/128", "ff02::16/128", NULL};

static const char *const names[SET_COUNT] = {
    [SET_ANY] = "",
    [SET_ENDPOINT] = "endpoint",
    [SET_ENDPOINT_ADDRESS] = "endpoint_address",
    [SET_RESOLVER] = "resolver",
    [SET_TUNNEL] = "tunnel_link",
    [SET_TUNNEL_ADDRESS] = "tunnel_address",
    [SET_TUNNEL_NETWORKS] = "tunnel_networks",
    [SET_LAN] = "lan",
    [SET_DHCP_SERVERS] = "dhcp_servers",
    [SET_DHCP_USERS] = "dhcp_users",
    [SET_NEIGHBOURS] = "neighbours",
    [SET_LINK_LOCAL] = "link_local",
    [SET_LINK_LOCAL_OR_NONE] = "link_local_or_none",
    [SET_ALL_ROUTERS] = "all_routers",
    [SET_MLD_ROUTERS] = "mld_routers",
    [SET_DNS_PORTS] = "dns_ports",
    [SET_PORTAL] = "portal",
    [SET_PORTAL_ANY] = "portal_any",
    [SET_PRIVATE] = "private",
    [SET_LAN_SIDE] = "lan_side",
    [SET_CLIENTS] = "clients",
};

const char *policy_set_name(enum rule_set set)
{
	return names[set];
}

static void add(struct list *list, uint8_t family, const struct net_prefix *prefix)
{
	if (prefix->address.family == family && list->count < RULE_MEMBERS_MAX)
		list->members[list->count++] = *prefix;
}

static void add_address(struct list *list, uint8_t family, const struct net_address *address)
{
	struct net_prefix prefix = {*address, address->family == NET_IPV4 ? 32 : 128};

	if (address->family != NET_NONE)
		add(list, family, &prefix);
}

static void add_texts(struct list *list, uint8_t family, const char *const *texts)
{
	struct net_prefix prefix;

	for (; *texts != NULL; texts++)
		if (net_prefix_parse(*texts, &prefix) == 0)
			add(list, family, &prefix);
}

static void add_prefixes(struct list *list, uint8_t family, const struct net_prefix *prefixes, size_t count)
{
	for (size_t i = 0; i < count; i++)
		add(list, family, &prefixes[i]);
}

static void collect(struct list *list, enum rule_set set, const struct situation *s, uint8_t family)
{
	switch (set) {
	case SET_ENDPOINT:
	case SET_ENDPOINT_ADDRESS:
		if (s->state != POLICY_LOCKED)
			add_address(list, family, &s->endpoint.address);
		break;
	case SET_RESOLVER:
		if (s->state == POLICY_DIALLING)
			add_address(list, family, &s->resolver);
		break;
	case SET_TUNNEL_ADDRESS:
		add_address(list, family, &s->tunnel.address4);
		add_address(list, family, &s->tunnel.address6);
		break;
	case SET_TUNNEL_NETWORKS:
		add_prefixes(list, family, s->tunnel.networks, s->tunnel.network_count);
		break;
	case SET_LAN:
		if (s->lan)
			add_texts(list, family, lan);
		break;
	case SET_CLIENTS:
		if (s->lan_side_count > 0)
			add_texts(list, family, lan);
		break;
	case SET_DHCP_SERVERS:
		add_texts(list, family, dhcp_servers);
		break;
	case SET_PRIVATE:
		add_texts(list, family, private);
		break;
	case SET_NEIGHBOURS:
		add_texts(list, family, neighbours);
		add_prefixes(list, family, s->neighbours, s->neighbour_count);
		break;
	case SET_LINK_LOCAL:
		add_texts(list, family, link_local);
		break;
	case SET_LINK_LOCAL_OR_NONE:
		add_texts(list, family, link_local_or_none);
		break;
	case SET_ALL_ROUTERS:
		add_texts(list, family, all_routers);
		break;
	case SET_MLD_ROUTERS:
		add_texts(list, family, mld_routers);
		break;
	default: /* no addresses: an interface, users, ports */
		break;
	}
}

/* By address, the wider first, so that what overlaps a member follows it. */
static int compare(const void *a, const void *b)
{
	const struct net_prefix *one = a, *other = b;
	int order = memcmp(one->address.bytes, other->address.bytes, sizeof one->address.bytes);

	return order != 0 ? order : (int)one->length - (int)other->length;
}

size_t policy_members(enum rule_set set, const struct situation *s, uint8_t family,
		      struct net_prefix *members, size_t capacity)
{
	struct list list = {.count = 0};
	const struct net_prefix *last = NULL;
	size_t count = 0;

	collect(&list, set, s, family);
	qsort(list.members, list.count, sizeof list.members[0], compare);
	for (size_t i = 0; i < list.count; i++) {
		const struct net_prefix *next = &list.members[i];

		if (last != NULL && net_prefix_contains(last, &next->address))
			continue;
		if (count < capacity)
			members[count] = *next;
		count++;
		last = next;
	}
	return count;
}

size_t policy_services(enum rule_set set, const struct situation *s, const struct policy_service **services)
{
	/* Web pages of any address, and of private ones DNS too, to find the portal. */
	static const struct policy_service all[] = {
	    {NET_TCP, 80}, {NET_TCP, 443}, {NET_TCP, 53}, {NET_UDP, 53}};
	enum { PAGES = 2, ALL = sizeof all / sizeof *all };

	*services = all;
	if (!policy_has_portal(s))
		return 0;
	return set == SET_PORTAL ? ALL : s->portal.any ? PAGES : 0;
}
