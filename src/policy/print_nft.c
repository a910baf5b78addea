/* The policy as nft reads it: standing chains with every rule, and sets whose
 * members are the situation. The netlink writer builds the same. */
#include "policy/print.h"
#include "policy/printer.h"

enum { ADDRESS, ENDPOINT }; /* what a set holds */

struct nft_set {
	enum rule_set set;
	uint8_t kind;
	uint8_t family;
	const char *flags;
};

#define BOTH(s, kind, flags)                                                                                 \
	{s, kind, NET_IPV4, flags},                                                                          \
	{                                                                                                    \
		s, kind, NET_IPV6, flags                                                                     \
	}
static const struct nft_set sets[] = {
    BOTH(SET_ENDPOINT, ENDPOINT, NULL),
    BOTH(SET_ENDPOINT_ADDRESS, ADDRESS, NULL),
    BOTH(SET_RESOLVER, ADDRESS, "timeout"),
    BOTH(SET_TUNNEL_ADDRESS, ADDRESS, NULL),
    BOTH(SET_TUNNEL_NETWORKS, ADDRESS, "interval"),
    BOTH(SET_LAN, ADDRESS, "interval"),
    BOTH(SET_DHCP_SERVERS, ADDRESS, "interval"),
    BOTH(SET_PRIVATE, ADDRESS, "interval"),
    BOTH(SET_CLIENTS, ADDRESS, "interval"),
    {SET_NEIGHBOURS, ADDRESS, NET_IPV6, "interval"},
    {SET_LINK_LOCAL_OR_NONE, ADDRESS, NET_IPV6, "interval"},
    {SET_MLD_ROUTERS, ADDRESS, NET_IPV6, NULL},
};
#undef BOTH

static void begin_set(struct printer *printer, const char *name, const char *suffix, const char *type,
		      const char *flags)
{
	printer_add(printer, "\tset %s%s {\n\t\ttype %s\n", name, suffix, type);
	if (flags != NULL)
		printer_add(printer, "\t\tflags %s\n", flags);
}

static const char *const types[][2] = {
    [ADDRESS] = {"ipv4_addr", "ipv6_addr"},
    [ENDPOINT] = {"ipv4_addr . inet_proto . inet_service", "ipv6_addr . inet_proto . inet_service"},
};

static void print_address_set(struct printer *printer, const struct nft_set *set, const struct situation *s)
{
	struct net_prefix members[RULE_MEMBERS_MAX];
	size_t count = policy_members(set->set, s, set->family, members, RULE_MEMBERS_MAX);

	begin_set(printer, policy_set_name(set->set), set->family == NET_IPV4 ? "4" : "6",
		  types[set->kind][set->family == NET_IPV6], set->flags);
	for (size_t i = 0; i < count; i++) {
		printer_add(printer, i == 0 ? "\t\telements = { " : ", ");
		printer_prefix(printer, &members[i]);
		if (set->kind == ENDPOINT)
			printer_add(printer, " . %s . %u", net_proto_text(s->endpoint.proto),
				    s->endpoint.port);
		/* Row 5 ends by itself, even if nobody is left to end it. */
		if (set->set == SET_RESOLVER)
			printer_add(printer, " timeout %us", POLICY_RESOLVER_SECONDS);
	}
	printer_add(printer, "%s\t}\n", count > 0 ? " }\n" : "");
}

static void print_users(struct printer *printer, const struct situation *s)
{
	begin_set(printer, policy_set_name(SET_DHCP_USERS), "", "uid", NULL);
	printer_add(printer, "\t\telements = { 0");
	if (printer_has_dhcp_user(s)) {
		printer_add(printer, ", ");
		printer_identity(printer, &s->dhcp_user, "\"");
	}
	printer_add(printer, " }\n\t}\n");
}

static void print_tunnel(struct printer *printer, const struct situation *s)
{
	begin_set(printer, policy_set_name(SET_TUNNEL), "", "iface_index . ifname", NULL);
	if (s->state == POLICY_OPEN && s->tunnel.index != 0)
		printer_add(printer, "\t\telements = { %u . \"" POLICY_NFT_TUN "\" }\n", s->tunnel.index);
	else if (s->state == POLICY_OPEN)
		printer_add(printer, "\t\telements = { \"%s\" . \"" POLICY_NFT_TUN "\" }\n", s->tunnel.name);
	printer_add(printer, "\t}\n");
}

static void print_lan_side(struct printer *printer, const struct situation *s)
{
	if (s->lan_side_count == 0)
		return;
	begin_set(printer, policy_set_name(SET_LAN_SIDE), "", "ifname", NULL);
	for (size_t i = 0; i < s->lan_side_count; i++)
		printer_add(printer, "%s\"%s\"", i == 0 ? "\t\telements = { " : ", ", s->lan_side[i]);
	printer_add(printer, " }\n\t}\n");
}

/* What packets fill. */
static void print_claims(struct printer *printer, const char *name, const char *key)
{
	printer_add(
	    printer,
	    "\tset %s {\n\t\ttypeof %s\n\t\tsize %u\n\t\tflags dynamic,timeout\n\t\ttimeout %us\n\t}\n", name,
	    key, POLICY_CLAIM_ROOM, POLICY_CLAIM_LONGEST);
}

/* Row 16 ends by itself: as a text for the longest time there is. */
static void print_portal(struct printer *printer, enum rule_set set, const struct situation *s)
{
	const struct policy_service *services;
	size_t count = policy_services(set, s, &services);

	begin_set(printer, policy_set_name(set), "", "inet_proto . inet_service", "timeout");
	for (size_t i = 0; i < count; i++)
		printer_add(printer, "%s%s . %u timeout %us", i == 0 ? "\t\telements = { " : ", ",
			    net_proto_text(services[i].proto), services[i].port, POLICY_PORTAL_SECONDS);
	printer_add(printer, "%s\t}\n", count > 0 ? " }\n" : "");
}

static void print_sets(struct printer *printer, const struct situation *s)
{
	for (size_t i = 0; i < sizeof sets / sizeof sets[0]; i++)
		if (sets[i].set != SET_CLIENTS || s->lan_side_count > 0)
			print_address_set(printer, &sets[i], s);
	print_lan_side(printer, s);
	print_tunnel(printer, s);
	print_users(printer, s);
	begin_set(printer, policy_set_name(SET_DNS_PORTS), "", "inet_service", NULL);
	printer_add(printer, "\t\telements = { 53, 853 }\n\t}\n");
	begin_set(printer, "paused", "", "nf_proto", "timeout");
	printer_add(printer, "\t}\n");
	print_portal(printer, SET_PORTAL, s);
	print_portal(printer, SET_PORTAL_ANY, s);
	if (s->lan_side_count == 0) {
		print_claims(printer, POLICY_NFT_CLAIMED, "ct id");
		print_claims(printer, POLICY_NFT_ASKED, "ct id . iif");
	}
}

/* Physical is what is left: each chain has decided about loopback and the tunnel by then. */
static void print_link(struct printer *printer, const char *key, enum rule_link link)
{
	if (link == LINK_LOOPBACK)
		printer_add(printer, "%s \"lo\" ", key);
	else if (link == LINK_TUNNEL) /* anybody can choose an index: its kind must be right too */
		printer_add(printer, "%s . meta %skind @%s ", key, key, policy_set_name(SET_TUNNEL));
	else if (link == LINK_LAN_SIDE) /* by name: it counts from the moment it is there */
		printer_add(printer, "%sname @%s ", key, policy_set_name(SET_LAN_SIDE));
}

static void print_address(struct printer *printer, const struct rule *rule, enum rule_set set, char side)
{
	const char *ip = rule->family == NET_IPV4 ? "ip" : "ip6";
	const char *suffix = rule->family == NET_IPV4 ? "4" : "6";

	if (set == SET_ANY)
		return;
	if (set == SET_ENDPOINT) {
		printer_add(printer, "%s %caddr . meta l4proto . th %cport @%s%s ", ip, side, side,
			    policy_set_name(set), suffix);
	} else if (set == SET_LINK_LOCAL || set == SET_ALL_ROUTERS) {
		printer_add(printer, "%s %caddr ", ip, side);
		printer_members(printer, set, &(struct situation){.state = POLICY_LOCKED}, rule->family, "");
		printer_add(printer, " ");
	} else {
		printer_add(printer, "%s %caddr @%s%s ", ip, side, policy_set_name(set), suffix);
	}
}

static void print_addresses(struct printer *printer, const struct rule *rule)
{
	bool quoted = rule->flow == FLOW_RELATED;
	bool told = rule->source != SET_ANY || (rule->destination != SET_ANY && !quoted);

	/* The family follows from an address or an ICMP type; otherwise it is matched. */
	if (rule->family != NET_NONE && !told && rule->icmp_type == RULE_NO_TYPE)
		printer_add(printer, "meta nfproto ipv%u ", rule->family);
	print_address(printer, rule, rule->source, 's');
	if (!quoted)
		print_address(printer, rule, rule->destination, 'd');
}

static void print_port(struct printer *printer, const struct rule *rule, char side, uint16_t port,
		       enum rule_set set)
{
	const char *proto = net_proto_text(rule->proto);

	if (set == SET_PORTAL || set == SET_PORTAL_ANY)
		printer_add(printer, "meta l4proto . th %cport @%s ", side, policy_set_name(set));
	else if (port != 0)
		printer_add(printer, "%s %cport %u ", proto, side, port);
	else if (set != SET_ANY)
		printer_add(printer, "%s %cport @%s ", proto, side, policy_set_name(set));
}

static void print_icmp(struct printer *printer, const struct rule *rule)
{
	const char *proto = rule->family == NET_IPV4 ? "icmp" : "icmpv6";

	if (rule->icmp_type != RULE_NO_TYPE)
		printer_add(printer, "%s type %u ", proto, rule->icmp_type);
	if (rule->icmp_code_0)
		printer_add(printer, "%s code 0 ", proto);
	if (rule->hop_limit != 0)
		printer_add(printer, "ip6 hoplimit %u ", rule->hop_limit);
}

static void print_owner(struct printer *printer, const struct rule *rule, const struct situation *s)
{
	if (rule->owner == OWNER_ANY)
		return;
	if (rule->owner == OWNER_DHCP_USERS) {
		printer_add(printer, "meta skuid @%s ", policy_set_name(SET_DHCP_USERS));
		return;
	}
	printer_add(printer, rule->owner == OWNER_DRIVER_USER ? "meta skuid " : "meta skgid ");
	printer_identity(printer, printer_owner(rule->owner, s), "\"");
	printer_add(printer, " ");
}

static void print_flow(struct printer *printer, const struct rule *rule)
{
	if (rule->flow == FLOW_ANY)
		return;
	printer_add(printer, "ct state %s ct direction reply ",
		    rule->flow == FLOW_REPLY ? "established" : "related");
	if (rule->flow == FLOW_RELATED && rule->destination != SET_ANY) {
		printer_add(printer, "ct original ");
		print_address(printer, rule, rule->destination, 'd');
	}
	if (rule->asked_from != SET_ANY) { /* where the answer is sent: with what the question left */
		printer_add(printer, "ct reply ");
		print_address(printer, rule, rule->asked_from, 'd');
	}
}

static void print_asker(struct printer *printer, enum rule_asker asker)
{
	if (asker == ASKER_NEW)
		printer_add(printer,
			    "ct direction original ct id != @" POLICY_NFT_CLAIMED " add @" POLICY_NFT_CLAIMED
			    " { ct id } add @" POLICY_NFT_ASKED " { ct id . iif } ");
	else if (asker != ASKER_ANY)
		printer_add(printer, "ct id . %s @" POLICY_NFT_ASKED " ",
			    asker == ASKER_CAME ? "iif" : "oif");
}

static void print_stop(struct printer *printer, const struct rule *rule)
{
	if (policy_is_asked_twice(rule)) /* to the chain that jumped here, which stops it */
		printer_add(printer, "return\n");
	else if (rule->hook == RULE_OUT)
		printer_add(printer, "goto stop\n");
	else if (rule->hook == RULE_ARRIVE || rule->hook == RULE_IN)
		printer_add(printer, "drop\n");
	else
		printer_add(printer, "counter name \"blocked\" drop\n");
}

static void print_verdict(struct printer *printer, const struct rule *rule)
{
	if (rule->action == RULE_MASQUERADE)
		printer_add(printer, "masquerade\n");
	else if (rule->action == RULE_REFUSE)
		printer_add(printer, "goto refuse\n");
	else if (rule->action == RULE_STOP)
		print_stop(printer, rule);
	else if (policy_is_renewing(rule))
		printer_add(printer, "goto %s\n",
			    rule->asker == ASKER_LEAVES ? POLICY_NFT_ANSWERS : POLICY_NFT_QUESTIONS);
	else if (policy_is_marking(rule))
		printer_add(printer, "meta mark set 0x%x accept\n", POLICY_NFT_MARK);
	else
		printer_add(printer, "accept\n");
}

/* Both what the kernel says and the frame's own bytes, for a packet socket can lie about the former.
 * Raw, because `ether type` would ask for the input link's type, and there is none at egress. */
static void print_frame(struct printer *printer, const struct rule *rule)
{
	bool pppoe = rule->uplink == UPLINK_PPPOE, session = rule->ppp_protocol != 0;

	if (rule->ether_type == 0)
		return;
	printer_add(printer, "meta protocol 0x%04x @ll,96,%u 0x%04x%s ", rule->ether_type,
		    16 + 8 * (unsigned)(pppoe + session), rule->ether_type,
		    session ? "1100"
		    : pppoe ? "11"
			    : "");
	if (session)
		printer_add(printer, "@ll,160,16 0x%04x ", rule->ppp_protocol);
	if (rule->uplink == UPLINK_LACP)
		printer_add(printer, "@ll,0,48 0x0180c2000002 ");
}

static void print_rule(struct printer *printer, const struct rule *rule, const struct situation *s)
{
	const char *key = rule->hook == RULE_ARRIVE || rule->hook == RULE_IN ? "iif" : "oif";

	printer_introduce(printer, rule);
	printer_add(printer, "%s", printer->indent);
	print_link(printer, key, rule->link);
	print_link(printer, "iif", rule->from);
	print_frame(printer, rule);
	print_addresses(printer, rule);
	print_port(printer, rule, 's', rule->source_port, rule->source_ports);
	print_port(printer, rule, 'd', rule->destination_port, rule->destination_ports);
	print_icmp(printer, rule);
	print_owner(printer, rule, s);
	print_flow(printer, rule);
	print_asker(printer, rule->asker);
	if (rule->marked)
		printer_add(printer, "meta mark 0x%x ", POLICY_NFT_MARK);
	print_verdict(printer, rule);
}

/* A pause takes away what stops: it stands before the first rule that does. It marks nothing: what still
 * waits for a neighbour's address when it ends is stopped at egress, where the pause is looked up again. */
static void print_pause(struct printer *printer, enum rule_hook hook)
{
	if (hook == RULE_IN || hook == RULE_OUT || hook == RULE_FORWARD || hook == RULE_LEAVE)
		printer_add(printer, "\t\tmeta nfproto @paused accept\n");
}

static bool is_left_out(const struct rule *rule, const struct situation *s)
{
	return !policy_stands(rule, s) || !printer_has_owner(rule, s);
}

static void print_rules(struct printer *printer, enum rule_hook hook, const struct situation *s)
{
	size_t count;
	const struct rule *table = policy_table(&count);
	bool paused = false;

	printer->why = NULL;
	for (size_t i = 0; i < count; i++) {
		if (table[i].hook != hook || policy_is_asked_twice(&table[i]) || is_left_out(&table[i], s))
			continue;
		if (table[i].action != RULE_PASS && !paused)
			print_pause(printer, hook);
		paused = paused || table[i].action != RULE_PASS;
		if (table[i].row == RULE_LAST_ROW && hook == RULE_OUT)
			printer_add(printer, "\t\tjump physical\n");
		if (table[i].row == RULE_LAST_ROW && hook == RULE_LEAVE) /* who knows the link marks */
			printer_add(printer, "\t\tmeta mark set 0x%x jump physical\n", POLICY_NFT_MARK);
		print_rule(printer, &table[i], s);
	}
}

/* What OUT and LEAVE share: each jumps here before it stops the rest. */
static void print_physical(struct printer *printer, const struct situation *s)
{
	size_t count;
	const struct rule *table = policy_table(&count);

	printer_add(printer, "\tchain physical {\n");
	printer->why = NULL;
	for (size_t i = 0; i < count; i++)
		if (policy_is_asked_twice(&table[i]) && !is_left_out(&table[i], s))
			print_rule(printer, &table[i], s);
	printer_add(printer, "\t}\n");
}

static void print_refusals(struct printer *printer, const struct situation *s)
{
	printer_add(printer, "\tchain stop {\n\t\tcounter name \"blocked\"\n"
			     "\t\tmeta l4proto tcp reject with tcp reset\n"
			     "\t\treject with icmpx admin-prohibited\n\t\tdrop\n\t}\n");
	if (s->lan_side_count > 0)
		printer_add(printer, "\tchain refuse {\n\t\tcounter name \"blocked\"\n"
				     "\t\treject with icmpx admin-prohibited\n\t\tdrop\n\t}\n");
}

/* A packet that comes here has its claim already, so it passes even if the claim can't be renewed. */
static void print_renewals(struct printer *printer, const char *chain, const char *link)
{
	printer_add(printer, "\tchain %s {\n", chain);
	for (size_t i = 0; i < POLICY_CLAIMS; i++) {
		const struct policy_claim *claim = &policy_claims[i];

		printer_add(printer, "\t\t");
		if (claim->beyond != 0)
			printer_add(printer, "ct state established,related ct expiration > %us ",
				    claim->beyond);
		printer_add(printer,
			    "update @" POLICY_NFT_ASKED
			    " { ct id . %s timeout %us } update @" POLICY_NFT_CLAIMED
			    " { ct id timeout %us } accept\n",
			    link, claim->lasts, claim->lasts + POLICY_CLAIM_MARGIN);
	}
	printer_add(printer, "\t\taccept\n\t}\n");
}

/* Every base chain ends in a drop of its own: the policy of a new chain takes effect late. */
static void print_inet(struct printer *printer, const struct situation *s)
{
	printer_add(printer, "table inet %s\ndelete table inet %s\ntable inet %s {\n", POLICY_NFT_TABLE,
		    POLICY_NFT_TABLE, POLICY_NFT_TABLE);
	printer_add(printer, "\tcounter blocked {\n\t}\n");
	print_sets(printer, s);
	print_refusals(printer, s);
	if (s->lan_side_count == 0) {
		print_renewals(printer, POLICY_NFT_QUESTIONS, "iif");
		print_renewals(printer, POLICY_NFT_ANSWERS, "oif");
	}
	/* Row 2 is for physical links: the two others are let by first. */
	printer_add(printer,
		    "\tchain arrive {\n\t\ttype filter hook prerouting priority raw; policy accept;\n"
		    "\t\tiif \"lo\" accept\n\t\tiif . meta iifkind @%s accept\n",
		    policy_set_name(SET_TUNNEL));
	print_rules(printer, RULE_ARRIVE, s);
	printer_add(printer, "\t\taccept\n\t}\n");
	print_physical(printer, s);
	printer_add(printer, "\tchain in {\n\t\ttype filter hook input priority 1000; policy drop;\n");
	print_rules(printer, RULE_IN, s);
	printer_add(printer, "\t}\n\tchain out {\n\t\ttype filter hook output priority 1000; policy drop;\n");
	print_rules(printer, RULE_OUT, s);
	printer_add(printer, "\t\tdrop\n\t}\n"
			     "\tchain forward {\n\t\ttype filter hook forward priority 1000; policy drop;\n");
	print_rules(printer, RULE_FORWARD, s);
	printer_add(printer,
		    "\t}\n\tchain leave {\n\t\ttype filter hook postrouting priority %d; policy drop;\n",
		    POLICY_NFT_LAST);
	print_rules(printer, RULE_LEAVE, s);
	printer_add(printer, "\t}\n");
	if (s->lan_side_count > 0) {
		printer_add(printer, "\tchain translate {\n"
				     "\t\ttype nat hook postrouting priority 100; policy accept;\n");
		print_rules(printer, RULE_TRANSLATE, s);
		printer_add(printer, "\t}\n");
	}
	printer_add(printer, "}\n");
}

static void print_netdev(struct printer *printer, const struct situation *s)
{
	printer_add(printer, "table netdev %s\ndelete table netdev %s\ntable netdev %s {\n", POLICY_NFT_TABLE,
		    POLICY_NFT_TABLE, POLICY_NFT_TABLE);
	printer_add(printer, "\tcounter blocked {\n\t}\n");
	print_address_set(printer, &(struct nft_set){SET_DHCP_SERVERS, ADDRESS, NET_IPV4, "interval"}, s);
	print_users(printer, s);
	print_lan_side(printer, s);
	begin_set(printer, "paused_links", "", "pkt_type", "timeout");
	printer_add(printer, "\t}\n\tchain egress {\n\t\tmeta pkttype @paused_links accept\n");
	print_rules(printer, RULE_EGRESS, s);
	printer_add(printer, "\t}\n");
	for (size_t i = 0; i < s->link_count; i++)
		printer_add(printer,
			    "\tchain link_%s {\n"
			    "\t\ttype filter hook egress device \"%s\" priority 0; policy drop;\n"
			    "\t\tmeta mark 0x%x accept\n\t\tjump egress\n\t\tdrop\n\t}\n",
			    s->links[i], s->links[i], POLICY_NFT_MARK);
	printer_add(printer, "}\n");
}

/* Marked, so that egress lets it by; what is not marked is stopped there. */
static void print_bridge(struct printer *printer, const struct situation *s)
{
	printer_add(printer, "table bridge %s\ndelete table bridge %s\ntable bridge %s {\n", POLICY_NFT_TABLE,
		    POLICY_NFT_TABLE, POLICY_NFT_TABLE);
	print_lan_side(printer, s);
	printer_add(printer,
		    "\tchain bridged {\n\t\ttype filter hook forward priority -200; policy accept;\n");
	print_rules(printer, RULE_BRIDGE, s);
	printer_add(printer, "\t}\n}\n");
}

int policy_print_nft(const struct situation *s, char *to, size_t size, struct err *e)
{
	struct printer printer;

	if (printer_begin(&printer, s, to, size, e) == -1)
		return -1;
	printer_situation(&printer, s);
	printer.indent = "\t\t";
	print_inet(&printer, s);
	print_netdev(&printer, s);
	if (s->lan_side_count > 0)
		print_bridge(&printer, s);
	return printer_end(&printer, e);
}
