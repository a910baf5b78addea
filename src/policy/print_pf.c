/* The policy as pfctl reads it, for an anchor of its own: Apple's grammar (that
 * of OpenBSD 4.3) and FreeBSD's. Only what the situation needs, with literals. */
#include "policy/print.h"
#include "policy/printer.h"

/* The tag that a packet gets from the rule that lets it in, and that is matched on its way out: it is a
 * client's; it is for this machine alone; it came out of the tunnel. */
#define TAG_CLIENT "portcullis_client"
#define TAG_HERE "portcullis_here"
#define TAG_TUNNEL "portcullis_tunnel"

enum { ICMP6 = 58 };

/* Sets that may have many members; one table of the name and family each. */
static const struct {
	enum rule_set set;
	uint8_t family;
} tables[] = {
    {SET_DHCP_SERVERS, NET_IPV4},
    {SET_DHCP_SERVERS, NET_IPV6},
    {SET_NEIGHBOURS, NET_IPV6},
    {SET_MLD_ROUTERS, NET_IPV6},
    {SET_TUNNEL_NETWORKS, NET_IPV4},
    {SET_TUNNEL_NETWORKS, NET_IPV6},
    {SET_LAN, NET_IPV4},
    {SET_LAN, NET_IPV6},
    {SET_CLIENTS, NET_IPV4},
    {SET_CLIENTS, NET_IPV6},
};

static bool is_none(const struct net_prefix *prefix)
{
	static const struct net_prefix none = {.address = {.family = NET_IPV6}, .length = 128};

	return prefix->length == none.length && net_address_equal(&prefix->address, &none.address);
}

static bool is_table(enum rule_set set)
{
	for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++)
		if (tables[i].set == set)
			return true;
	return false;
}

static bool is_printed(const struct rule *rule, const struct situation *s)
{
	if (rule->hook >= RULE_FORWARD)
		return false; /* pf can't tell forwarded packets, and sees no frames */
	if (rule->flow == FLOW_RELATED || (rule->flow == FLOW_REPLY && rule->link == LINK_TUNNEL))
		return false; /* nothing relates errors to a stateless hole; the tunnel's answers have a state
			       */
	return printer_has_owner(rule, s) && policy_applies(rule, s);
}

static bool uses(enum rule_set set, uint8_t family, const struct situation *s)
{
	size_t count;
	const struct rule *table = policy_table(&count);

	for (size_t i = 0; i < count; i++)
		if (table[i].family == family && (table[i].source == set || table[i].destination == set) &&
		    is_printed(&table[i], s))
			return true;
	return false;
}

/* Apple's tables silently leave `::` out: it stands in the rules instead. */
static void print_tables(struct printer *printer, const struct situation *s)
{
	struct net_prefix members[RULE_MEMBERS_MAX];

	for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
		const char *between = "";
		size_t count;

		if (!uses(tables[i].set, tables[i].family, s))
			continue;
		count = policy_members(tables[i].set, s, tables[i].family, members, RULE_MEMBERS_MAX);
		printer_add(printer, "table <%s%u> const { ", policy_set_name(tables[i].set),
			    tables[i].family);
		for (size_t j = 0; j < count; j++) {
			if (is_none(&members[j]))
				continue;
			printer_add(printer, "%s", between);
			printer_prefix(printer, &members[j]);
			between = ", ";
		}
		printer_add(printer, " }\n");
	}
}

/* A stop is for every link but the tunnel; a pass for the named ones, if they are known. */
static void print_names(struct printer *printer, const char (*names)[NET_NAME_SIZE], size_t count)
{
	printer_add(printer, count > 1 ? " on { " : " on ");
	for (size_t i = 0; i < count; i++)
		printer_add(printer, "%s%s", i > 0 ? ", " : "", names[i]);
	printer_add(printer, count > 1 ? " }" : "");
}

static void print_on(struct printer *printer, enum rule_link link, bool named, const struct situation *s)
{
	if (link == LINK_LOOPBACK) {
		printer_add(printer, " on lo0");
	} else if (link == LINK_TUNNEL) {
		printer_add(printer, " on %s", s->tunnel.name);
	} else if (link == LINK_LAN_SIDE) {
		print_names(printer, s->lan_side, s->lan_side_count);
	} else if (link == LINK_PHYSICAL && named && s->link_count > 0) {
		print_names(printer, s->links, s->link_count);
	} else if (link == LINK_PHYSICAL && s->tunnel.name[0] != '\0') {
		printer_add(printer, " on ! %s", s->tunnel.name);
	}
}

static void print_hosts(struct printer *printer, const struct rule *rule, enum rule_set set, bool source,
			const struct situation *s)
{
	bool list = set == SET_LINK_LOCAL_OR_NONE;

	if (set == SET_ANY) {
		printer_add(printer, "any");
	} else if (set == SET_NEIGHBOURS && source) {
		printer_add(printer, "{ ::, <%s%u> }", policy_set_name(set), rule->family);
	} else if (is_table(set)) {
		printer_add(printer, "<%s%u>", policy_set_name(set), rule->family);
	} else {
		printer_add(printer, list ? "{ " : "");
		printer_members(printer, set, s, rule->family, ", ");
		printer_add(printer, list ? " }" : "");
	}
}

static void print_port(struct printer *printer, enum rule_set address, uint16_t port, enum rule_set ports,
		       const struct situation *s)
{
	if (address == SET_ENDPOINT)
		printer_add(printer, " port = %u", s->endpoint.port);
	else if (port != 0)
		printer_add(printer, " port = %u", port);
	else if (ports == SET_DNS_PORTS)
		printer_add(printer, " port { 53, 853 }");
}

static uint8_t proto_of(const struct rule *rule, const struct situation *s)
{
	bool endpoint = rule->source == SET_ENDPOINT || rule->destination == SET_ENDPOINT;

	return endpoint ? s->endpoint.proto : rule->proto;
}

static void print_ends(struct printer *printer, const struct rule *rule, const struct situation *s)
{
	uint8_t proto = proto_of(rule, s);
	/* The local network is required at both ends, so that nobody's packets are forwarded out of it. */
	bool lan = rule->source == SET_LAN || rule->destination == SET_LAN;
	enum rule_set source = lan ? SET_LAN : rule->source;
	enum rule_set destination = lan ? SET_LAN : rule->destination;

	if (rule->family != NET_NONE)
		printer_add(printer, rule->family == NET_IPV4 ? " inet" : " inet6");
	if (proto != 0)
		printer_add(printer, " proto %s", proto == ICMP6 ? "ipv6-icmp" : net_proto_text(proto));
	if (proto == 0 && source == SET_ANY && destination == SET_ANY) {
		printer_add(printer, " all");
		return;
	}
	printer_add(printer, " from ");
	print_hosts(printer, rule, source, true, s);
	print_port(printer, source, rule->source_port, rule->source_ports, s);
	printer_add(printer, " to ");
	print_hosts(printer, rule, destination, false, s);
	print_port(printer, destination, rule->destination_port, rule->destination_ports, s);
}

static const struct printer_owner_words owner_words = {" user = ", " group = ", " user = 0", " user { 0, "};

/* With a gateway only: without one no rule matches a tag. A state passes its rule's tag on. */
static const char *tag_of(const struct rule *rule, const struct situation *s)
{
	bool out = rule->hook == RULE_OUT;

	if (s->lan_side_count == 0 || rule->action != RULE_PASS || rule->link == LINK_LOOPBACK)
		return NULL;
	if (rule->link == LINK_TUNNEL)
		return out ? TAG_TUNNEL : NULL;
	if (out)
		return NULL;
	return rule->link == LINK_LAN_SIDE && rule->source == SET_CLIENTS ? TAG_CLIENT : TAG_HERE;
}

static void print_rule(struct printer *printer, const struct rule *rule, const struct situation *s)
{
	const char *tag = tag_of(rule, s);
	bool out = rule->hook == RULE_OUT;

	printer_introduce(printer, rule);
	/* Never `return`: the refusal would go to the packet's source, past every rule. */
	printer_add(printer, "%s %s quick", rule->action == RULE_PASS ? "pass" : "block drop",
		    out ? "out" : "in");
	print_on(printer, rule->link, rule->action == RULE_PASS, s);
	print_ends(printer, rule, s);
	if (rule->icmp_type != RULE_NO_TYPE)
		printer_add(printer, " icmp6-type %u%s", rule->icmp_type, rule->icmp_code_0 ? " code 0" : "");
	printer_add_owner(printer, rule, s, &owner_words);
	if (rule->action == RULE_PASS && rule->link == LINK_TUNNEL)
		printer_add(printer, " keep state (if-bound)"); /* a floating state would follow the route */
	else if (rule->action == RULE_PASS)
		printer_add(printer, rule->link == LINK_LOOPBACK ? " no state allow-opts" : " no state");
	if (tag != NULL)
		printer_add(printer, " tag %s", tag);
	printer_add(printer, "\n");
}

/* Large datagrams arrive in fragments, which have no port, so they are reassembled first. No error can tell a
 * TCP connection to the server how much the path carries (row 4), so its segments are kept small. */
static void print_scrub(struct printer *printer, const struct situation *s)
{
	struct rule hole = {
	    .family = s->endpoint.address.family, .proto = s->endpoint.proto, .source = SET_ENDPOINT_ADDRESS};
	bool tcp = s->endpoint.proto == NET_TCP, has_hole = policy_has_hole(s);

	if (!has_hole && !s->lan)
		return;
	printer_add(printer, "# fragments are reassembled before they are judged\n");
	if (has_hole && (tcp || !s->lan)) {
		printer_add(printer, "scrub in");
		print_on(printer, LINK_PHYSICAL, true, s);
		print_ends(printer, &hole, s);
		printer_add(printer, "%s fragment reassemble\n", tcp ? " max-mss 1220" : "");
	}
	if (s->lan) {
		printer_add(printer, "scrub in");
		print_on(printer, LINK_PHYSICAL, true, s);
		printer_add(printer, " all fragment reassemble\n");
	}
	if (s->state == POLICY_OPEN)
		printer_add(printer, "scrub in on %s all fragment reassemble\n", s->tunnel.name);
	if (s->state == POLICY_OPEN && s->lan_side_count > 0) { /* a fragment is not translated */
		printer_add(printer, "scrub in");
		print_on(printer, LINK_LAN_SIDE, true, s);
		printer_add(printer, " all fragment reassemble\n");
	}
}

/* What a rule of others translates and passes at once would never come to our rules. */
static void print_masquerade(struct printer *printer, const struct net_address *address,
			     const struct situation *s)
{
	const char *family = address->family == NET_IPV4 ? "inet" : "inet6";
	char text[NET_ADDRESS_TEXT];

	if (address->family == NET_NONE)
		return;
	net_address_text(address, text);
	printer_add(printer, "no nat on %s %s from %s to any\n", s->tunnel.name, family, text);
	printer_add(printer, "nat on %s %s from <%s%u> to any -> %s\n", s->tunnel.name, family,
		    policy_set_name(SET_CLIENTS), address->family, text);
}

static void print_translation(struct printer *printer, const struct situation *s)
{
	if (s->lan_side_count > 0 && s->state == POLICY_OPEN) {
		printer_add(printer, "# row 14: clients get the tunnel's address\n");
		print_masquerade(printer, &s->tunnel.address4, s);
		print_masquerade(printer, &s->tunnel.address6, s);
	}
	printer_add(printer, "# row 11: no translation by others: its \"pass\" skips every rule\n"
			     "no nat on ! lo0 all\nno rdr on ! lo0 all\n");
}

/* A client's packet whose source can't be replaced by an address of the tunnel does not go into it. */
static void print_untranslated(struct printer *printer, const struct net_address *address, const char *family,
			       const struct situation *s)
{
	if (address->family == NET_NONE)
		printer_add(printer, "block drop out quick on %s %s all tagged " TAG_CLIENT "\n",
			    s->tunnel.name, family);
}

/* What came in and leaves again: what a client sends, into the tunnel; the tunnel's answers, to clients
 * (after row 13, which lets them); nothing else. In silence: a refusal of pf's own is not filtered, and could
 * leave by another link. */
static void print_forwarded(struct printer *printer, const struct situation *s)
{
	printer_add(printer, "# row 14: what rows 3 to 13 let in for this machine goes no further\n"
			     "block drop out quick all tagged " TAG_HERE "\n"
			     "# row 14: clients into the tunnel only\nblock drop out quick");
	if (s->state == POLICY_OPEN)
		printer_add(printer, " on ! %s", s->tunnel.name);
	printer_add(printer, " all tagged " TAG_CLIENT "\n");
	if (s->state == POLICY_OPEN) {
		print_untranslated(printer, &s->tunnel.address4, "inet", s);
		print_untranslated(printer, &s->tunnel.address6, "inet6", s);
	}
}

static void print_answered(struct printer *printer, const struct situation *s)
{
	if (s->state == POLICY_OPEN)
		printer_add(printer,
			    "# row 14: answers out of the tunnel to clients only\nblock drop out quick "
			    "all tagged " TAG_TUNNEL "\n");
}

static void print_row(struct printer *printer, unsigned row, const struct situation *s)
{
	static const enum rule_hook hooks[] = {RULE_OUT, RULE_ARRIVE, RULE_IN};
	size_t count;
	const struct rule *table = policy_table(&count);

	if (row == 4 && policy_has_hole(s))
		printer_add(printer, "# row 4: not with pf: no state relates an error to the hole\n");
	if (row == RULE_LAN_SIDE_ROW && s->lan_side_count > 0)
		print_forwarded(printer, s);
	if (row == 10 && s->lan)
		printer_add(printer, "# row 10: fragments carry no port and would hide DNS from row 8\n"
				     "block drop quick all fragment\n");
	for (size_t hook = 0; hook < sizeof hooks / sizeof hooks[0]; hook++)
		for (size_t i = 0; i < count; i++)
			if (table[i].row == row && table[i].hook == hooks[hook] && is_printed(&table[i], s))
				print_rule(printer, &table[i], s);
	if (row == RULE_LAN_SIDE_ROW && s->lan_side_count > 0)
		print_answered(printer, s);
}

int policy_print_pf(const struct situation *s, char *to, size_t size, struct err *e)
{
	struct printer printer;

	if (printer_begin(&printer, s, to, size, e) == -1)
		return -1;
	printer_situation(&printer, s);
	printer_add(&printer, "# For the anchor \"%s\", which the main rules call before every other one.\n",
		    POLICY_PF_ANCHOR);
	print_tables(&printer, s);
	print_scrub(&printer, s);
	print_translation(&printer, s);
	for (unsigned row = 1; row <= RULE_LAST_ROW; row++) {
		print_row(&printer, row, s);
		if (row == 2)
			print_row(&printer, RULE_LAN_SIDE_ROW, s);
	}
	return printer_end(&printer, e);
}
