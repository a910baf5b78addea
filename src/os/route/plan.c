/* Which routes and rules are desired: the order of lookups, and what our table answers. */
#include "os/route/plan.h"

#include <string.h>

#include "policy/rule_sets.h"

/* The last word of the table; anything else is lower. */
enum { METRIC = 1, METRIC_LAST = 9999, DHCP_SERVER = 67, DHCP_CLIENT = 68, DNS_TLS = 853 };

static struct route_rule *add_rule(struct route_plan *plan, enum route_priority priority,
				   enum route_does does)
{
	struct route_rule *rule = &plan->rules[plan->rule_count++];

	rule->priority = priority;
	rule->does = does;
	return rule;
}

static struct route_rule *add_users(struct route_plan *plan, enum route_priority priority,
				    enum route_does does, uint32_t first, uint32_t last)
{
	struct route_rule *rule = add_rule(plan, priority, does);

	rule->by_user = true;
	rule->user_first = first;
	rule->user_last = last;
	return rule;
}

static struct net_prefix whole(const struct net_address *address)
{
	return (struct net_prefix){*address, address->family == NET_IPV4 ? 32 : 128};
}

/* Row 6, a renewal by unicast of a client that is not bound to its link. */
static void exempt_dhcp(struct route_plan *plan, uint32_t user)
{
	struct route_rule *rule = add_users(plan, ROUTE_EXEMPT, ROUTE_GO_TO_END, user, user);

	rule->protocol = NET_UDP;
	rule->source_port = DHCP_CLIENT;
	rule->destination_port = DHCP_SERVER;
}

/* Row 16. No rule can match a group: that is left to the filter. */
static void exempt_portal(struct route_plan *plan, const struct situation *s)
{
	const struct policy_service *services;
	size_t count = policy_services(SET_PORTAL, s, &services);

	for (size_t i = 0; i < count; i++) {
		struct route_rule *rule =
		    add_users(plan, ROUTE_EXEMPT, ROUTE_GO_TO_END, s->portal.user, s->portal.user);

		rule->protocol = services[i].proto;
		rule->destination_port = services[i].port;
	}
}

static void exempt(struct route_plan *plan, const struct route_desired *desired)
{
	const struct situation *s = desired->situation;

	if (desired->openvpn != 0)
		add_users(plan, ROUTE_EXEMPT, ROUTE_GO_TO_END, desired->openvpn, desired->openvpn);
	/* If openvpn is root, only its destination distinguishes it from root's other programs. And over IPv6
	 * one of root's programs can't be distinguished from the kernel's own lookup of a sender (below). */
	if ((desired->openvpn == 0 || plan->family == NET_IPV6) && s->endpoint.address.family == plan->family)
		add_users(plan, ROUTE_EXEMPT, ROUTE_GO_TO_END, 0, 0)->to = whole(&s->endpoint.address);
	if (plan->family == NET_IPV4) {
		exempt_dhcp(plan, 0);
		if (s->dhcp_user.known && s->dhcp_user.number != 0)
			exempt_dhcp(plan, s->dhcp_user.number);
	}
	if (desired->tunnel == NULL)
		exempt_portal(plan, s);
	if (s->resolver.family == plan->family && s->driver_user.known) {
		struct route_rule *rule = add_users(plan, ROUTE_EXEMPT, ROUTE_GO_TO_END,
						    s->driver_user.number, s->driver_user.number);

		rule->to = whole(&s->resolver);
		rule->protocol = NET_TCP;
		rule->destination_port = DNS_TLS;
	}
}

/* The kernel looks up, as root and with an address of ours, whether a sender could be reached by the link
 * that its packet came by (rp_filter, nft's fib). This lookup must not see our table, or everything that is
 * received over IPv4 is dropped, ARP requests too. A program's own lookup has no address yet, unless its
 * socket is bound to one. Over IPv6 such a lookup matters only for the endpoint; and a lookup without a
 * result is repeated with an address, so nobody is exempt there. */
static void catch_everybody(struct route_plan *plan)
{
	static const struct net_prefix none4 = {{NET_IPV4, {0}}, 32};

	if (plan->family == NET_IPV6) {
		/* Forwarded packets are exempt: the filter refuses them, as above. */
		add_rule(plan, ROUTE_ROOT, ROUTE_GO_TO_END)->received = true;
		add_rule(plan, ROUTE_ALL, ROUTE_LOOK_UP);
		return;
	}
	add_users(plan, ROUTE_ROOT, ROUTE_LOOK_UP, 0, 0)->from = none4;
	add_users(plan, ROUTE_ALL, ROUTE_LOOK_UP, 1, UINT32_MAX - 1);
}

const struct net_address *route_own(const struct wire_tunnel *tunnel, uint8_t family)
{
	return family == NET_IPV4 ? &tunnel->address4 : &tunnel->address6;
}

bool route_carried(const struct route_desired *desired, uint8_t family)
{
	return desired->tunnel != NULL && route_own(desired->tunnel, family)->family != NET_NONE;
}

static void make_rules(struct route_plan *plan, const struct route_desired *desired)
{
	const struct net_address *own = plan->family == NET_IPV4 ? &desired->situation->tunnel.address4
								 : &desired->situation->tunnel.address6;
	struct route_rule *rule;

	add_rule(plan, ROUTE_END, ROUTE_NOTHING);
	if (own->family != NET_NONE)
		add_rule(plan, ROUTE_FROM_ADDRESS, ROUTE_LOOK_UP)->from = whole(own);
	/* What can't go into the tunnel is left to the filter, which refuses it towards the sender (row 14).
	 */
	if (route_carried(desired, plan->family)) {
		rule = add_rule(plan, ROUTE_OUT_OF_TUNNEL, ROUTE_GO_TO_END);
		rule->received = true;
		memcpy(rule->link, desired->tunnel->name, sizeof rule->link);
		add_rule(plan, ROUTE_RECEIVED, ROUTE_LOOK_UP)->received = true;
	}
	exempt(plan, desired);
	catch_everybody(plan);
}

static bool has_entry(const struct route_plan *plan, const struct net_prefix *to, uint32_t metric)
{
	for (size_t i = 0; i < plan->entry_count; i++) {
		if (memcmp(&plan->entries[i].to, to, sizeof *to) == 0 && plan->entries[i].metric == metric)
			return true;
	}
	return false;
}

/* The first word about a prefix counts. */
static void add_entry(struct route_plan *plan, const struct route_entry *entry)
{
	if (entry->to.address.family == plan->family && plan->entry_count < ROUTE_ENTRIES &&
	    !has_entry(plan, &entry->to, entry->metric))
		plan->entries[plan->entry_count++] = *entry;
}

static bool is_of_tunnel(const struct situation *s, const struct net_prefix *to)
{
	for (size_t i = 0; i < s->tunnel.network_count; i++) {
		if (s->tunnel.networks[i].length <= to->length &&
		    net_prefix_contains(&s->tunnel.networks[i], &to->address))
			return true;
	}
	return false;
}

/* Rows 10 and 13: the machine's other routes decide, less the tunnel's networks. */
static void add_set(struct route_plan *plan, const struct situation *s, enum rule_set set)
{
	struct net_prefix members[RULE_MEMBERS_MAX];
	size_t count = policy_members(set, s, plan->family, members, RULE_MEMBERS_MAX);

	for (size_t i = 0; i < count; i++) {
		struct route_entry entry = {.to = members[i], .leads = ROUTE_ELSEWHERE, .metric = METRIC};

		if (!is_of_tunnel(s, &entry.to))
			add_entry(plan, &entry);
	}
}

/* IPv6 on the link has routes of its own, which ask for a link (rows 6 and 7). */
static void add_on_link(struct route_plan *plan)
{
	static const struct net_prefix on_link[] = {{{NET_IPV6, {0xfe, 0x80}}, 10}, {{NET_IPV6, {0xff}}, 8}};

	for (size_t i = 0; i < 2; i++) {
		struct route_entry entry = {.to = on_link[i], .leads = ROUTE_ELSEWHERE, .metric = METRIC};

		add_entry(plan, &entry);
	}
}

/* It is within what the machine's other routes decide about, so our table leaves it alone. */
static bool is_elsewhere(const struct route_plan *plan, const struct net_prefix *to)
{
	for (size_t i = 0; i < plan->entry_count; i++) {
		const struct route_entry *entry = &plan->entries[i];

		if (entry->leads == ROUTE_ELSEWHERE && entry->to.length <= to->length &&
		    net_prefix_contains(&entry->to, &to->address))
			return true;
	}
	return false;
}

static void add_tunnel(struct route_plan *plan, const struct route_desired *desired)
{
	const struct wire_tunnel *tunnel = desired->tunnel;
	bool four = plan->family == NET_IPV4;
	const struct net_address *own = route_own(tunnel, plan->family);
	struct route_entry entry = {
	    .leads = ROUTE_TO_TUNNEL, .metric = METRIC, .index = desired->index, .source = *own};

	if (own->family == NET_NONE)
		return;
	entry.to = (struct net_prefix){*own, four ? tunnel->length4 : tunnel->length6};
	net_prefix_clear(&entry.to);
	if (entry.to.length > 0)
		add_entry(plan, &entry);
	if (four && tunnel->peer4.family != NET_NONE) {
		entry.to = whole(&tunnel->peer4);
		add_entry(plan, &entry);
	}
	for (size_t i = 0; i < WIRE_ROUTES && tunnel->routes[i].to.address.family != NET_NONE; i++) {
		struct route_entry routed = entry;

		routed.to = tunnel->routes[i].to;
		/* What must not go into the tunnel has no other way, unless row 10 gives it one. */
		if (tunnel->routes[i].excluded) {
			if (is_elsewhere(plan, &routed.to))
				continue;
			routed = (struct route_entry){
			    .to = routed.to, .leads = ROUTE_UNREACHABLE, .metric = METRIC};
		}
		add_entry(plan, &routed);
	}
	memset(&entry.to, 0, sizeof entry.to);
	entry.to.address.family = plan->family;
	if (desired->redirect)
		add_entry(plan, &entry);
}

void route_plan_make(const struct route_desired *desired, uint8_t family, struct route_plan *plan)
{
	struct route_entry last = {.leads = ROUTE_UNREACHABLE, .metric = METRIC_LAST};

	memset(plan, 0, sizeof *plan);
	plan->family = family;
	make_rules(plan, desired);
	/* This entry is there first, and in every state: what our table does not know is not looked up
	 * elsewhere. */
	last.to.address.family = family;
	add_entry(plan, &last);
	if (family == NET_IPV6)
		add_on_link(plan);
	add_set(plan, desired->situation, SET_LAN);
	if (desired->situation->lan_side_count > 0)
		add_set(plan, desired->situation, SET_CLIENTS);
	if (desired->tunnel != NULL)
		add_tunnel(plan, desired);
}
