/* The policy as ipfw reads it: one set, without dynamic states, for those live
 * on when their set is disabled. Only what the situation needs, with literals. */
#include "policy/page.h"
#include "policy/print.h"

enum { ICMP6 = 58, FIRST_EPHEMERAL = 1024 };

struct numbers {
	unsigned row, next;
};

static bool is_printed(const struct rule *rule, const struct situation *s)
{
	const struct identity *owner = page_owner(rule->owner, s);

	if (rule->hook == RULE_FORWARD || rule->hook == RULE_EGRESS || rule->flow == FLOW_RELATED)
		return false; /* ipfw does not tell forwarded packets apart, sees no frames here, relates
				 nothing */
	if (owner != NULL && rule->owner != OWNER_DHCP_USERS && !page_is_somebody(owner))
		return false;
	return policy_applies(rule, s);
}

static void begin(struct page *page, struct numbers *numbers, unsigned row)
{
	if (numbers->row != row)
		*numbers = (struct numbers){row, row * 1000};
	page_add(page, "add %u set %d ", numbers->next, POLICY_IPFW_SET);
	numbers->next += 10;
}

/* A stop is for every link but the tunnel; a pass for the named ones, if they are known. */
static void print_via(struct page *page, enum rule_link link, bool named, const struct situation *s)
{
	if (link == LINK_LOOPBACK) {
		page_add(page, " via lo0");
	} else if (link == LINK_TUNNEL) {
		page_add(page, " via %s", s->tunnel.name);
	} else if (link == LINK_PHYSICAL && named && s->link_count > 0) {
		page_add(page, s->link_count > 1 ? " { " : " ");
		for (size_t i = 0; i < s->link_count; i++)
			page_add(page, "%svia %s", i > 0 ? " or " : "", s->links[i]);
		page_add(page, s->link_count > 1 ? " }" : "");
	} else if (link == LINK_PHYSICAL && s->tunnel.name[0] != '\0') {
		page_add(page, " not via %s", s->tunnel.name);
	}
}

static void print_end(struct page *page, const struct rule *rule, enum rule_set set, uint16_t port,
		      enum rule_set ports, const struct situation *s)
{
	if (set == SET_ANY)
		page_add(page, "any");
	else
		page_members(page, set, s, rule->family, ",");
	if (set == SET_ENDPOINT)
		page_add(page, " %u", s->endpoint.port);
	else if (port != 0)
		page_add(page, " %u", port);
	else if (ports == SET_DNS_PORTS)
		page_add(page, " 53,853");
}

static void print_body(struct page *page, const struct rule *rule, const struct situation *s)
{
	bool endpoint = rule->source == SET_ENDPOINT || rule->destination == SET_ENDPOINT;
	uint8_t proto = endpoint ? s->endpoint.proto : rule->proto;
	/* With the local network at both ends nobody's packets are forwarded out of it. */
	bool lan = rule->source == SET_LAN || rule->destination == SET_LAN;

	page_add(page, " %s from ", proto == 0 ? "ip" : proto == ICMP6 ? "ipv6-icmp" : net_proto_text(proto));
	print_end(page, rule, lan ? SET_LAN : rule->source, rule->source_port, rule->source_ports, s);
	page_add(page, " to ");
	print_end(page, rule, lan ? SET_LAN : rule->destination, rule->destination_port,
		  rule->destination_ports, s);
	page_add(page, rule->hook == RULE_OUT ? " out" : " in");
	if (rule->family != NET_NONE && proto != ICMP6)
		page_add(page, rule->family == NET_IPV4 ? " ip4" : " ip6");
	print_via(page, rule->link, rule->action == RULE_PASS, s);
	if (rule->icmp_type != RULE_NO_TYPE)
		page_add(page, " icmp6types %u", rule->icmp_type);
}

static void print_owner(struct page *page, const struct rule *rule, const struct situation *s)
{
	enum rule_owner owner = rule->flow == FLOW_REPLY ? page_owner_of_reply(rule) : rule->owner;
	const struct identity *who = page_owner(owner, s);
	bool beside_root = owner == OWNER_DHCP_USERS && page_has_dhcp_user(s);

	if (owner == OWNER_ANY)
		return;
	if (owner == OWNER_DHCP_USERS)
		page_add(page, beside_root ? " { uid 0 or uid " : " uid 0");
	else
		page_add(page, owner == OWNER_OPENVPN_GROUP ? " gid " : " uid ");
	if (beside_root || owner != OWNER_DHCP_USERS)
		page_identity(page, who, "");
	page_add(page, beside_root ? " }" : "");
}

/* Without states an answer is known by its looks only. */
static void print_tunnel_answers(struct page *page, struct numbers *numbers, const struct situation *s)
{
	const char *tunnel = s->tunnel.name;

	begin(page, numbers, 9);
	page_add(page, "allow tcp from any to any in via %s established\n", tunnel);
	begin(page, numbers, 9);
	page_add(page, "allow udp from any to any %d-65535 in via %s\n", FIRST_EPHEMERAL, tunnel);
	begin(page, numbers, 9);
	page_add(page, "allow icmp from any to any in via %s icmptypes 0,3,11,12\n", tunnel);
	begin(page, numbers, 9);
	page_add(page, "allow ipv6-icmp from any to any in via %s icmp6types 1,2,3,4,129\n", tunnel);
}

/* What this machine sends is refused at once, towards itself only. */
static void print_stop(struct page *page, struct numbers *numbers, const struct rule *rule,
		       const struct situation *s)
{
	static const struct {
		const char *action, *condition;
		uint8_t family;
	} refusals[] = {{"unreach filter-prohib", " ip4", NET_IPV4},
			{"unreach6 admin-prohib", " ip6", NET_IPV6}};
	struct rule tcp = *rule;

	tcp.proto = NET_TCP;
	if (rule->hook == RULE_OUT && (rule->proto == 0 || rule->proto == NET_TCP)) {
		begin(page, numbers, rule->row);
		page_add(page, "reset");
		print_body(page, &tcp, s);
		page_add(page, "\n");
	}
	for (size_t i = 0; i < 2 && rule->hook == RULE_OUT && rule->proto != NET_TCP; i++) {
		if (rule->family != NET_NONE && rule->family != refusals[i].family)
			continue;
		begin(page, numbers, rule->row);
		page_add(page, "%s", refusals[i].action);
		print_body(page, rule, s);
		page_add(page, "%s\n", rule->family == NET_NONE ? refusals[i].condition : "");
	}
	if (rule->row == RULE_LAST_ROW && rule->hook == RULE_OUT)
		return; /* the rule that ends the set follows */
	begin(page, numbers, rule->row);
	page_add(page, "deny");
	print_body(page, rule, s);
	page_add(page, "\n");
}

static void print_rule(struct page *page, struct numbers *numbers, const struct rule *rule,
		       const struct situation *s)
{
	page_introduce(page, rule);
	if (rule->action == RULE_STOP) {
		print_stop(page, numbers, rule, s);
	} else if (rule->link == LINK_TUNNEL && rule->flow == FLOW_REPLY) {
		print_tunnel_answers(page, numbers, s);
	} else {
		begin(page, numbers, rule->row);
		page_add(page, "allow");
		print_body(page, rule, s);
		print_owner(page, rule, s);
		page_add(page, "\n");
	}
}

static void print_fragments(struct page *page, struct numbers *numbers, unsigned row,
			    const struct situation *s)
{
	char text[NET_ADDRESS_TEXT];

	if (row == 3 && s->state != POLICY_LOCKED && s->endpoint.address.family == NET_IPV4) {
		page_add(page, "# row 3: fragments are put together before they are judged\n");
		begin(page, numbers, row);
		page_add(page, "reass ip from %s to any in\n", net_address_text(&s->endpoint.address, text));
	}
	if (row == 10 && s->lan) {
		page_add(page, "# row 10: fragments carry no port and would hide DNS from row 8\n");
		begin(page, numbers, row);
		page_add(page, "deny ip from any to any frag\n");
		begin(page, numbers, row);
		page_add(page, "deny ip6 from any to any ext6hdr frag\n");
	}
}

static void print_row(struct page *page, unsigned row, const struct situation *s)
{
	static const enum rule_hook hooks[] = {RULE_ARRIVE, RULE_IN, RULE_OUT};
	struct numbers numbers = {0, 0};
	size_t count;
	const struct rule *table = policy_table(&count);

	if (row == 4 && s->state != POLICY_LOCKED)
		page_add(page,
			 "# row 4: not here: no state relates an error to the hole; openvpn's packets are "
			 "kept small instead\n");
	print_fragments(page, &numbers, row, s);
	for (size_t hook = 0; hook < sizeof hooks / sizeof hooks[0]; hook++)
		for (size_t i = 0; i < count; i++)
			if (table[i].row == row && table[i].hook == hooks[hook] && is_printed(&table[i], s))
				print_rule(page, &numbers, &table[i], s);
	if (row == RULE_LAST_ROW) {
		begin(page, &numbers, row);
		page_add(page, "deny ip from any to any\n");
	}
}

int policy_print_ipfw(const struct situation *s, char *to, size_t size, struct err *e)
{
	struct page page;

	if (page_begin(&page, s, to, size, e) == -1)
		return -1;
	page_situation(&page, s);
	page_add(&page, "# Set %d; load it while the set is disabled, then swap.\n", POLICY_IPFW_SET);
	for (unsigned row = 1; row <= RULE_LAST_ROW; row++)
		print_row(&page, row, s);
	return page_end(&page, e);
}
