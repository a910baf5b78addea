/* The policy as ipfw reads it: one set, without dynamic states, for those live
 * on when their set is disabled. Only what the situation needs, with literals.
 *
 * Nothing is refused aloud: what is denied on its way out fails in the program
 * at once (EACCES), and the reset that ipfw would send passes the firewall
 * unasked, to wherever the packet's source address is by now. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "policy/print.h"
#include "policy/printer.h"

/* ipfw takes an address list of 63 words: IPv6 prefixes have 8, IPv4 ones 2. */
enum { ICMP6 = 58, FIRST_EPHEMERAL = 1024, LIST4_MAX = 31, LIST6_MAX = 7, NEIGHBOUR_TAG = 26 };

/* One side of a rule: its members, of which a rule may hold so many. */
struct side {
	struct net_prefix members[RULE_MEMBERS_MAX];
	size_t count, most;
	uint16_t port;
	bool dns;
};

struct output {
	struct printer printer;
	const struct situation *s;
	unsigned set;
};

static bool is_printed(const struct rule *rule, const struct situation *s)
{
	if (rule->flow == FLOW_RELATED || (rule->link == LINK_TUNNEL && rule->flow == FLOW_REPLY))
		return false; /* nothing is related; the tunnel's answers are known by their looks */
	return printer_has_owner(rule, s) && policy_applies(rule, s);
}

/* All have one number: no foreign rule can come to stand between them. */
static void begin(struct output *o, const char *action)
{
	printer_add(&o->printer, "add %d set %u %s ", POLICY_IPFW_NUMBER, o->set, action);
}

static void end(struct output *o, unsigned row)
{
	printer_add(&o->printer, " // row %u\n", row);
}

static struct side side_of(const struct rule *rule, enum rule_set set, uint16_t port, enum rule_set ports,
			   const struct situation *s)
{
	struct side side = {.most = rule->family == NET_IPV4 ? LIST4_MAX : LIST6_MAX,
			    .dns = ports == SET_DNS_PORTS};

	side.port = set == SET_ENDPOINT ? s->endpoint.port : port;
	if (set != SET_ANY)
		side.count = policy_members(set, s, rule->family, side.members, RULE_MEMBERS_MAX);
	/* ipfw reads ::/0 as this machine's own addresses. */
	if (side.count == 1 && side.members[0].length == 0)
		side.count = 0;
	return side;
}

static void print_side(struct printer *printer, const struct side *side, size_t first)
{
	if (side->count == 0)
		printer_add(printer, "any");
	for (size_t i = first; i < side->count && i < first + side->most; i++) {
		printer_add(printer, "%s", i == first ? "" : ",");
		printer_prefix(printer, &side->members[i]);
	}
	if (side->port != 0)
		printer_add(printer, " %u", side->port);
	else if (side->dns)
		printer_add(printer, " 53,853");
}

static const char *proto_text(const struct rule *rule, const struct situation *s)
{
	bool endpoint = rule->source == SET_ENDPOINT || rule->destination == SET_ENDPOINT;
	uint8_t proto = endpoint ? s->endpoint.proto : rule->proto;

	if (proto != 0)
		return proto == ICMP6 ? "ipv6-icmp" : net_proto_text(proto);
	return rule->family == NET_IPV4 ? "ip4" : rule->family == NET_IPV6 ? "ip6" : "ip";
}

static void print_lan_side(struct printer *printer, const struct situation *s)
{
	printer_add(printer, s->lan_side_count > 1 ? " {" : "");
	for (size_t i = 0; i < s->lan_side_count; i++)
		printer_add(printer, "%s via %s", i > 0 ? " or" : "", s->lan_side[i]);
	printer_add(printer, s->lan_side_count > 1 ? " }" : "");
}

/* Loopback is decided first: what is left is on the tunnel's link or on a physical one. */
static void print_via(struct printer *printer, enum rule_link link, const struct situation *s)
{
	if (link == LINK_LOOPBACK)
		printer_add(printer, " via lo0");
	else if (link == LINK_TUNNEL)
		printer_add(printer, " via %s", s->tunnel.name);
	else if (link == LINK_LAN_SIDE)
		print_lan_side(printer, s);
	else if (link == LINK_PHYSICAL && s->state == POLICY_OPEN)
		printer_add(printer, " not via %s", s->tunnel.name);
}

static void print_options(struct printer *printer, const struct rule *rule, const struct situation *s)
{
	printer_add(printer, rule->hook == RULE_OUT ? " out" : " in");
	if (rule->family != NET_NONE && rule->proto != 0 && rule->proto != ICMP6 && rule->source == SET_ANY &&
	    rule->destination == SET_ANY)
		printer_add(printer, " ipversion %d", rule->family);
	print_via(printer, rule->link, s);
	if (rule->icmp_type != RULE_NO_TYPE)
		printer_add(printer, " icmp6types %u", rule->icmp_type);
}

static const struct printer_owner_words owner_words = {" uid ", " gid ", " uid 0", " { uid 0 or uid "};

static void print_one(struct output *o, const struct rule *rule, const char *action,
		      const struct side *source, size_t first_source, const struct side *destination,
		      size_t first_destination)
{
	begin(o, action);
	printer_add(&o->printer, "%s from ", proto_text(rule, o->s));
	print_side(&o->printer, source, first_source);
	printer_add(&o->printer, " to ");
	print_side(&o->printer, destination, first_destination);
	print_options(&o->printer, rule, o->s);
}

/* Both ends have more members than a list may have: a packet that matches one end is tagged, and a tagged one
 * is matched against the other. */
static void print_by_tag(struct output *o, const struct rule *rule, const struct side *source,
			 const struct side *destination)
{
	const struct side any = {.count = 0};
	char action[32];

	snprintf(action, sizeof action, "count tag %d", NEIGHBOUR_TAG);
	for (size_t i = 0; i < source->count; i += source->most) {
		print_one(o, rule, action, source, i, &any, 0);
		end(o, rule->row);
	}
	for (size_t i = 0; i < destination->count; i += destination->most) {
		print_one(o, rule, "allow", &any, 0, destination, i);
		printer_add(&o->printer, " tagged %d", NEIGHBOUR_TAG);
		end(o, rule->row);
	}
}

static void print_pairs(struct output *o, const struct rule *rule)
{
	struct side source = side_of(rule, rule->source, rule->source_port, rule->source_ports, o->s);
	struct side destination =
	    side_of(rule, rule->destination, rule->destination_port, rule->destination_ports, o->s);

	printer_introduce(&o->printer, rule);
	if (source.count > source.most && destination.count > destination.most) {
		print_by_tag(o, rule, &source, &destination);
		return;
	}
	for (size_t i = 0; i == 0 || i < source.count; i += source.most)
		for (size_t j = 0; j == 0 || j < destination.count; j += destination.most) {
			print_one(o, rule, rule->action == RULE_STOP ? "deny" : "allow", &source, i,
				  &destination, j);
			if (rule->action == RULE_PASS)
				printer_add_owner(&o->printer, rule, o->s, &owner_words);
			end(o, rule->row);
		}
}

/* Fragments after the first carry no port and no owner. Unless the first one has passed, they complete
 * nothing. */
static void print_hole_fragments(struct output *o)
{
	char text[NET_ADDRESS_TEXT];

	printer_add(&o->printer, "# row 3: later fragments of the endpoint's answers\n");
	begin(o, "allow");
	printer_add(&o->printer, "%s from %s to any in", net_proto_text(o->s->endpoint.proto),
		    net_address_text(&o->s->endpoint.address, text));
	print_via(&o->printer, LINK_PHYSICAL, o->s);
	printer_add(&o->printer, " frag");
	end(o, 3);
}

/* Without states an answer is known by its looks only. ipfw's `established` is wider: anything but a bare
 * SYN. */
static void print_tunnel_answers(struct output *o)
{
	const char *tunnel = o->s->tunnel.name;

	printer_add(&o->printer, "# row 9: what looks like an answer from the tunnel\n");
	begin(o, "allow");
	printer_add(&o->printer, "tcp from any to any in via %s { tcpflags ack or tcpflags rst }", tunnel);
	end(o, 9);
	begin(o, "allow");
	printer_add(&o->printer, "udp from any to any %d-65535 in via %s", FIRST_EPHEMERAL, tunnel);
	end(o, 9);
	begin(o, "allow");
	printer_add(&o->printer, "icmp from any to any in via %s icmptypes 0,3,11,12", tunnel);
	end(o, 9);
	begin(o, "allow");
	printer_add(&o->printer, "ipv6-icmp from any to any in via %s icmp6types 1,2,3,4,129", tunnel);
	end(o, 9);
	begin(o, "allow");
	printer_add(&o->printer, "ip from any to any in via %s frag", tunnel);
	end(o, 9);
}

/* What no rule of the table says, because other filters need no such rule. */
static void print_beside(struct output *o, unsigned row)
{
	const struct situation *s = o->s;

	if (row == 3 && policy_has_hole(s))
		print_hole_fragments(o);
	if (row == 4 && policy_has_hole(s))
		printer_add(&o->printer,
			    "# row 4: not with ipfw: no state relates an error to the hole, so openvpn's "
			    "packets are kept small\n");
	if (row == 9 && s->state == POLICY_OPEN)
		print_tunnel_answers(o);
	if (row == 10 && s->lan) {
		printer_add(&o->printer,
			    "# row 10: later fragments carry no port and would hide DNS from row 8\n");
		begin(o, "deny");
		printer_add(&o->printer, "ip from any to any frag");
		end(o, row);
	}
}

/* Nothing is forwarded, and no frames are seen here: the other hooks' rules are not printed. */
static void print_row(struct output *o, unsigned row)
{
	static const enum rule_hook hooks[] = {RULE_ARRIVE, RULE_IN, RULE_OUT};
	size_t count;
	const struct rule *table = policy_table(&count);

	print_beside(o, row);
	for (size_t hook = 0; hook < sizeof hooks / sizeof hooks[0]; hook++)
		for (size_t i = 0; i < count; i++)
			if (table[i].row == row && table[i].hook == hooks[hook] &&
			    is_printed(&table[i], o->s))
				print_pairs(o, &table[i]);
}

/* A packet that came in by a link still has it on its way out; our own have none, or, as the kernel's
 * own multicast reports (IGMP, MLD), the loopback. */
static void print_forwarded(struct output *o)
{
	printer_add(&o->printer, o->s->lan_side_count > 0 ? "# row 14: not with ipfw, as no NAT instance "
							    "belongs to a set: nothing is forwarded; use pf\n"
							  : "# row 11: nothing is forwarded\n");
	begin(o, "deny");
	printer_add(&o->printer, "ip from any to any out recv * not recv lo0");
	end(o, RULE_LAST_ROW);
}

static void print_last(struct output *o)
{
	printer_add(&o->printer,
		    "# row 11: everything else; what this machine sends is counted separately\n");
	begin(o, "deny");
	printer_add(&o->printer, "ip from any to any out");
	end(o, RULE_LAST_ROW);
	begin(o, "deny");
	printer_add(&o->printer, "ip from any to any");
	end(o, RULE_LAST_ROW);
}

/* After `via`, "any" is no condition at all, and what begins with a digit is an address. */
static int check_name(const char *which, const char *name, const char *instead, struct err *e)
{
	if (strcmp(name, "any") == 0 || isdigit((unsigned char)name[0]))
		return err_set(e, "%s: ipfw does not accept %s as an interface; instead: %s", which, name,
			       instead);
	return 0;
}

static int check_names(const struct situation *s, struct err *e)
{
	int result = check_name("tunnel", s->tunnel.name, "tun and a number", e);

	for (size_t i = 0; i < s->lan_side_count && result == 0; i++)
		result = check_name("LAN-side links", s->lan_side[i], "such as em0", e);
	return result;
}

int policy_print_ipfw_set(const struct situation *s, unsigned set, char *to, size_t size, struct err *e)
{
	struct output o = {.s = s, .set = set};

	if (printer_begin(&o.printer, s, to, size, e) == -1 || check_names(s, e) == -1)
		return -1;
	printer_situation(&o.printer, s);
	printer_add(
	    &o.printer,
	    "# Set %u: loaded while it is disabled, then `ipfw set disable %u enable %u`, in one command.\n",
	    set, POLICY_IPFW_SET + POLICY_IPFW_OTHER_SET - set, set);
	for (unsigned row = 1; row < RULE_LAST_ROW; row++) {
		print_row(&o, row);
		if (row == 2)
			print_row(&o, RULE_LAN_SIDE_ROW);
		if (row == 1)
			print_forwarded(&o);
	}
	print_last(&o);
	return printer_end(&o.printer, e);
}

int policy_print_ipfw(const struct situation *s, char *to, size_t size, struct err *e)
{
	return policy_print_ipfw_set(s, POLICY_IPFW_SET, to, size, e);
}
