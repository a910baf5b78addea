/* Routes of the gate's own: what each packet's question is answered in each situation, and the kernel's
 * messages. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "between.h"
#include "os/route/kernel_linux.h"
#include "os/route/plan.h"
#include "os/route/probes.h"

enum { OPENVPN = 64002, ROOT = 0, SOMEBODY = 1000, DEVICE = 7 };
enum answer { TUNNEL, NOWHERE, OTHERS };

static struct situation situation;
static struct wire_tunnel tunnel;
static struct route_desired desired;

static int setup(void **state)
{
	(void)state;
	memset(&situation, 0, sizeof situation);
	memset(&tunnel, 0, sizeof tunnel);
	memcpy(tunnel.name, "tun0", 5);
	memcpy(situation.tunnel.name, "tun0", 5);
	net_address_parse("10.8.0.2", &tunnel.address4);
	net_address_parse("fd00:8::2", &tunnel.address6);
	tunnel.length4 = 24;
	tunnel.length6 = 64;
	tunnel.mtu = 1500;
	net_endpoint_parse("203.0.113.10:1194/udp", &situation.endpoint);
	situation.driver_user = (struct identity){.known = true, .number = 64000};
	desired = (struct route_desired){
	    .situation = &situation, .openvpn = OPENVPN, .tunnel = NULL, .index = DEVICE, .redirect = true};
	return 0;
}

static void open_it(void)
{
	desired.tunnel = &tunnel;
	situation.tunnel.address4 = tunnel.address4;
	situation.tunnel.address6 = tunnel.address6;
	net_prefix_parse("10.8.0.0/24", &situation.tunnel.networks[0]);
	net_prefix_parse("fd00:8::/64", &situation.tunnel.networks[1]);
	situation.tunnel.network_count = 2;
}

/* A question as the kernel puts it. */
struct question {
	uint32_t user;
	const char *to, *from; /* from NULL: no address yet */
	const char *link;      /* NULL: made here */
	uint8_t protocol;
	uint16_t source_port, destination_port;
};

static bool in(const struct net_prefix *prefix, const char *text)
{
	struct net_address address;
	struct net_prefix none4 = {{NET_IPV4, {0}}, 32};

	if (prefix->length == 0)
		return true;
	if (text == NULL) /* IPv4 has 0.0.0.0 there, IPv6 nothing that a rule could ask for */
		return prefix->address.family == NET_IPV4 && memcmp(prefix, &none4, sizeof none4) == 0;
	assert_int_equal(net_address_parse(text, &address), 0);
	return net_prefix_contains(prefix, &address);
}

static bool fits(const struct route_rule *rule, const struct question *q)
{
	if (rule->received &&
	    (q->link == NULL || (rule->link[0] != '\0' && strcmp(rule->link, q->link) != 0)))
		return false;
	if (rule->by_user && (q->user < rule->user_first || q->user > rule->user_last))
		return false;
	if ((rule->protocol != 0 && rule->protocol != q->protocol) ||
	    (rule->source_port != 0 && rule->source_port != q->source_port) ||
	    (rule->destination_port != 0 && rule->destination_port != q->destination_port))
		return false;
	return in(&rule->from, q->from) && in(&rule->to, q->to);
}

static enum answer table_says(const struct route_plan *plan, const char *to)
{
	const struct route_entry *best = NULL;

	for (size_t i = 0; i < plan->entry_count; i++) {
		const struct route_entry *entry = &plan->entries[i];

		if (in(&entry->to, to) &&
		    (best == NULL || entry->to.length > best->to.length ||
		     (entry->to.length == best->to.length && entry->metric < best->metric)))
			best = entry;
	}
	assert_non_null(best); /* the table always has an answer */
	return best->leads == ROUTE_TO_TUNNEL ? TUNNEL : best->leads == ROUTE_UNREACHABLE ? NOWHERE : OTHERS;
}

static enum answer ask(struct question q)
{
	struct net_address to;
	struct route_plan plan;

	assert_int_equal(net_address_parse(q.to, &to), 0);
	route_plan_make(&desired, to.family, &plan);
	for (uint32_t priority = ROUTE_FROM_ADDRESS; priority <= ROUTE_END; priority++) {
		for (size_t i = 0; i < plan.rule_count; i++) {
			const struct route_rule *rule = &plan.rules[i];
			enum answer answer;

			if (rule->priority != priority || !fits(rule, &q))
				continue;
			if (rule->does == ROUTE_GO_TO_END)
				return OTHERS;
			if (rule->does == ROUTE_LOOK_UP && (answer = table_says(&plan, q.to)) != OTHERS)
				return answer;
		}
	}
	return OTHERS;
}

static enum answer goes(uint32_t user, const char *to)
{
	return ask((struct question){.user = user, .to = to});
}

static const char *const anywhere[] = {"198.51.100.80", "192.168.50.1", "224.0.0.251", "203.0.113.10",
				       "2001:db8::1",   "fd12::1",      "10.8.0.1",    "fd00:8::1"};

static void shut_leads_nowhere(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof anywhere / sizeof *anywhere; i++) {
		assert_int_equal(goes(ROOT, anywhere[i]), NOWHERE);
		assert_int_equal(goes(SOMEBODY, anywhere[i]), NOWHERE);
		assert_int_equal(goes(OPENVPN - 1, anywhere[i]), NOWHERE);
		assert_int_equal(goes(UINT32_MAX - 1, anywhere[i]), NOWHERE);
		assert_int_equal(goes(OPENVPN, anywhere[i]), OTHERS);
	}
	/* Rows 6 and 7. */
	assert_int_equal(goes(SOMEBODY, "fe80::1"), OTHERS);
	assert_int_equal(goes(SOMEBODY, "ff02::1:2"), OTHERS);
}

static void open_leads_into_the_tunnel(void **state)
{
	(void)state;
	open_it();
	for (size_t i = 0; i < sizeof anywhere / sizeof *anywhere; i++) {
		assert_int_equal(goes(ROOT, anywhere[i]), TUNNEL);
		assert_int_equal(goes(SOMEBODY, anywhere[i]), TUNNEL);
		assert_int_equal(goes(OPENVPN, anywhere[i]), OTHERS);
	}
	assert_int_equal(goes(SOMEBODY, "fe80::1"), OTHERS);
	memset(&tunnel.address6, 0, sizeof tunnel.address6);
	assert_int_equal(goes(SOMEBODY, "2001:db8::1"), NOWHERE);
	assert_int_equal(goes(ROOT, "198.51.100.80"), TUNNEL);
}

static void only_what_is_routed_without_a_redirect(void **state)
{
	(void)state;
	open_it();
	desired.redirect = false;
	net_prefix_parse("10.99.0.0/16", &tunnel.routes[0].to);
	net_prefix_parse("198.51.100.0/24", &tunnel.routes[1].to);
	tunnel.routes[1].excluded = 1;
	net_prefix_parse("2001:db8:5::/48", &tunnel.routes[2].to);
	assert_int_equal(goes(SOMEBODY, "10.99.7.7"), TUNNEL);
	assert_int_equal(goes(SOMEBODY, "10.8.0.77"), TUNNEL);
	assert_int_equal(goes(SOMEBODY, "2001:db8:5::1"), TUNNEL);
	assert_int_equal(goes(SOMEBODY, "198.51.100.80"), NOWHERE);
	assert_int_equal(goes(SOMEBODY, "8.8.8.8"), NOWHERE);
	assert_int_equal(goes(SOMEBODY, "2001:db8::1"), NOWHERE);
	desired.redirect = true;
	assert_int_equal(goes(SOMEBODY, "198.51.100.80"), NOWHERE); /* never past it, never into it */
	assert_int_equal(goes(SOMEBODY, "8.8.8.8"), TUNNEL);
}

static void the_other_end_is_a_route(void **state)
{
	(void)state;
	open_it();
	desired.redirect = false;
	tunnel.length4 = 32;
	net_address_parse("10.8.0.5", &tunnel.peer4);
	assert_int_equal(goes(SOMEBODY, "10.8.0.5"), TUNNEL);
	assert_int_equal(goes(SOMEBODY, "10.8.0.6"), NOWHERE);
}

static void local_networks_less_the_tunnels(void **state)
{
	(void)state;
	situation.lan = true;
	for (int open = 0; open < 2; open++) {
		assert_int_equal(goes(SOMEBODY, "192.168.50.1"), OTHERS);
		assert_int_equal(goes(SOMEBODY, "224.0.0.251"), OTHERS);
		assert_int_equal(goes(SOMEBODY, "fd12::1"), OTHERS);
		assert_int_equal(goes(SOMEBODY, "8.8.8.8"), open ? TUNNEL : NOWHERE);
		open_it();
	}
	assert_int_equal(goes(SOMEBODY, "10.8.0.77"), TUNNEL);
	assert_int_equal(goes(SOMEBODY, "10.9.0.1"), OTHERS);
	/* A range that the server claims as a whole. */
	net_prefix_parse("10.0.0.0/8", &situation.tunnel.networks[2]);
	situation.tunnel.network_count = 3;
	net_prefix_parse("10.0.0.0/8", &tunnel.routes[0].to);
	assert_int_equal(goes(SOMEBODY, "10.9.0.1"), TUNNEL);
	/* Everything, cut in pieces, is no claim. */
	net_prefix_parse("fc00::/7", &tunnel.routes[1].to);
	assert_int_equal(goes(SOMEBODY, "fd12::1"), OTHERS);
	/* What shall go past the tunnel does so only there. */
	net_prefix_parse("192.168.7.0/24", &tunnel.routes[2].to);
	tunnel.routes[2].excluded = 1;
	assert_int_equal(goes(SOMEBODY, "192.168.7.7"), OTHERS);
}

static void who_is_behind(void **state)
{
	(void)state;
	situation.lan_side_count = 1;
	memcpy(situation.lan_side[0], "lan1", 5);
	assert_int_equal(goes(SOMEBODY, "192.168.77.2"), OTHERS); /* row 13 */
	/* Shut: refused by the filter, which says so to the client. */
	assert_int_equal(ask((struct question){.to = "8.8.8.8", .from = "192.168.77.2", .link = "lan1"}),
			 OTHERS);
	open_it();
	assert_int_equal(ask((struct question){.to = "8.8.8.8", .from = "192.168.77.2", .link = "lan1"}),
			 TUNNEL);
	assert_int_equal(ask((struct question){.to = "2001:db8::1", .from = "fd77::2", .link = "lan1"}),
			 TUNNEL);
	assert_int_equal(ask((struct question){.to = "192.168.77.2", .from = "8.8.8.8", .link = "tun0"}),
			 OTHERS);
	assert_int_equal(ask((struct question){.to = "fd77::2", .from = "2001:db8::1", .link = "tun0"}),
			 OTHERS);
}

static void exemptions_are_narrow(void **state)
{
	struct question renewal = {
	    .to = "192.168.50.1", .protocol = NET_UDP, .source_port = 68, .destination_port = 67};

	(void)state;
	assert_int_equal(ask(renewal), OTHERS);
	renewal.user = SOMEBODY;
	assert_int_equal(ask(renewal), NOWHERE);
	situation.dhcp_user = (struct identity){.known = true, .number = SOMEBODY};
	assert_int_equal(ask(renewal), OTHERS);
	renewal.source_port = 69;
	assert_int_equal(ask(renewal), NOWHERE);
	renewal.source_port = renewal.destination_port = 68;
	assert_int_equal(ask(renewal), NOWHERE);
	/* The kernel's question about a sender has an address of this machine; a program's has none yet. */
	assert_int_equal(ask((struct question){.to = "192.168.50.1", .from = "192.168.50.2"}), OTHERS);
	assert_int_equal(ask((struct question){.user = SOMEBODY, .to = "8.8.8.8", .from = "192.168.50.2"}),
			 NOWHERE);
	assert_int_equal(ask((struct question){.to = "2001:db8::1", .from = "2001:db8:50::2"}), NOWHERE);
	open_it();
	assert_int_equal(ask((struct question){.to = "8.8.8.8", .from = "10.8.0.2"}), TUNNEL);
	assert_int_equal(ask((struct question){.to = "2001:db8::1", .from = "fd00:8::2"}), TUNNEL);
	/* openvpn as root: its endpoint, and nothing else of root's. */
	desired.openvpn = ROOT;
	assert_int_equal(goes(ROOT, "203.0.113.10"), OTHERS);
	assert_int_equal(goes(SOMEBODY, "203.0.113.10"), TUNNEL);
	assert_int_equal(goes(ROOT, "203.0.113.11"), TUNNEL);
	net_endpoint_parse("[2001:db8:203::10]:1194/udp", &situation.endpoint);
	desired.openvpn = OPENVPN;
	assert_int_equal(goes(ROOT, "2001:db8:203::10"), OTHERS);
	assert_int_equal(goes(SOMEBODY, "2001:db8:203::10"), TUNNEL);
}

/* Shut, one user, four ports: whatever the address, for the filter knows the group. */
static void a_portal_has_a_way(void **state)
{
	static const char *const servers[] = {"192.168.50.1", "fd00:50::1", "8.8.8.8", "2001:db8::1"};
	struct question to = {.user = SOMEBODY};

	(void)state;
	situation.portal.group = (struct identity){.known = true, .number = 779};
	situation.portal.user = SOMEBODY;
	for (size_t i = 0; i < sizeof servers / sizeof *servers; i++) {
		to.to = servers[i];
		to.protocol = NET_TCP;
		to.destination_port = 80;
		situation.portal.until = 0;
		assert_int_equal(ask(to), NOWHERE);
		situation.portal.until = 1;
		assert_int_equal(ask(to), OTHERS);
		to.destination_port = 443;
		assert_int_equal(ask(to), OTHERS);
		to.destination_port = 53;
		assert_int_equal(ask(to), OTHERS);
		to.destination_port = 8080;
		assert_int_equal(ask(to), NOWHERE);
		to.destination_port = 443;
		to.protocol = NET_UDP;
		assert_int_equal(ask(to), NOWHERE);
		to.destination_port = 53;
		assert_int_equal(ask(to), OTHERS);
		to.user = SOMEBODY + 1;
		assert_int_equal(ask(to), NOWHERE);
		to.user = SOMEBODY;
	}
	open_it();
	to.to = "8.8.8.8";
	assert_int_equal(ask(to), TUNNEL);
}

static void a_full_plan_fits(void **state)
{
	struct route_plan plan;

	(void)state;
	situation.lan = true;
	situation.lan_side_count = 1;
	situation.dhcp_user = situation.driver_user;
	net_address_parse("192.0.2.53", &situation.resolver);
	desired.openvpn = ROOT;
	open_it();
	net_address_parse("10.8.0.5", &tunnel.peer4);
	for (size_t i = 0; i < WIRE_ROUTES; i++) {
		tunnel.routes[i].to = (struct net_prefix){{NET_IPV4, {11, (uint8_t)i}}, 16};
		assert_true(wire_can_be_routed(&tunnel.routes[i].to));
	}
	route_plan_make(&desired, NET_IPV4, &plan);
	assert_between(plan.rule_count, 1, ROUTE_RULES);
	assert_between(plan.entry_count, WIRE_ROUTES, ROUTE_ENTRIES - 1);
	assert_int_equal(goes(SOMEBODY, "11.63.0.1"), TUNNEL);
	situation.portal.group = situation.driver_user;
	situation.portal.until = 1;
	situation.state = POLICY_DIALLING;
	desired.tunnel = NULL;
	route_plan_make(&desired, NET_IPV4, &plan);
	assert_between(plan.rule_count, 10, ROUTE_RULES);
}

/* As the kernel tells it: with the table by number alone, and suppressors that suppress nothing. */
static void as_told(struct nlmsghdr *message)
{
	if (message->nlmsg_type == RTM_NEWRULE)
		mnl_attr_put_u32(message, 14, UINT32_MAX); /* FRA_SUPPRESS_PREFIXLEN */
}

static void messages_come_back_as_they_went(void **state)
{
	static struct route_raw raw;
	struct route_plan plan;
	struct route_rule rule;
	struct route_entry entry;

	(void)state;
	situation.lan = true;
	open_it();
	net_prefix_parse("10.99.0.0/16", &tunnel.routes[0].to);
	for (int i = 0; i < 2; i++) {
		route_plan_make(&desired, i == 0 ? NET_IPV4 : NET_IPV6, &plan);
		for (size_t j = 0; j < plan.rule_count; j++) {
			as_told(route_add_rule(raw.bytes, plan.family, &plan.rules[j]));
			assert_int_equal(route_decode_rule((void *)raw.bytes, &rule), ROUTE_IS_OURS);
			assert_true(route_rule_equal(&rule, &plan.rules[j]));
			assert_int_equal(route_delete(&raw)->nlmsg_type, RTM_DELRULE);
		}
		for (size_t j = 0; j < plan.entry_count; j++) {
			route_add_entry(raw.bytes, &plan.entries[j]);
			assert_int_equal(route_decode_entry((void *)raw.bytes, &entry), ROUTE_IS_OURS);
			assert_true(route_entry_equal(&entry, &plan.entries[j]));
			assert_int_equal(route_delete(&raw)->nlmsg_type, RTM_DELROUTE);
		}
	}
}

static void what_is_not_ours_is_told_from_what_is_strange(void **state)
{
	static struct route_raw raw;
	struct nlmsghdr *message = (void *)raw.bytes;
	struct route_rule rule = {.priority = 5, .does = ROUTE_LOOK_UP}, told;
	struct route_entry entry = {.to = {{NET_IPV4, {10}}, 8}, .leads = ROUTE_TO_TUNNEL, .index = 3}, found;

	(void)state;
	route_add_rule(raw.bytes, NET_IPV4, &rule);
	mnl_attr_put_u32(message, 10, 7); /* FRA_FWMARK: one of ours never has it */
	assert_int_equal(route_decode_rule(message, &told), ROUTE_IS_STRANGE);
	route_add_rule(raw.bytes, NET_IPV4, &rule);
	mnl_attr_put_u8(message, 21, 99); /* FRA_PROTOCOL: the last word is another's */
	assert_int_equal(route_decode_rule(message, &told), ROUTE_IS_NOT_OURS);
	route_add_entry(raw.bytes, &entry);
	mnl_attr_put_u32(message, RTA_GATEWAY, 1);
	assert_int_equal(route_decode_entry(message, &found), ROUTE_IS_STRANGE);
	route_add_entry(raw.bytes, &entry);
	mnl_attr_put_u32(message, RTA_TABLE, 254);
	assert_int_equal(route_decode_entry(message, &found), ROUTE_IS_NOT_OURS);
	/* In our table, and another's. */
	route_add_entry(raw.bytes, &entry);
	((struct rtmsg *)mnl_nlmsg_get_payload(message))->rtm_protocol = RTPROT_STATIC;
	assert_int_equal(route_decode_entry(message, &found), ROUTE_IS_STRANGE);
	rule = (struct route_rule){.priority = 5, .does = ROUTE_LOOK_UP, .received = true, .link = "tun0"};
	told = rule;
	told.link[3] = '1';
	assert_false(route_rule_equal(&rule, &told));
	/* Cut anywhere: never more than a wrong answer. */
	route_add_entry(raw.bytes, &entry);
	for (uint32_t length = message->nlmsg_len; length >= sizeof *message; length--) {
		message->nlmsg_len = length;
		(void)route_decode_entry(message, &found);
		(void)route_decode_rule(message, &told);
	}
}

/* --- the proof ---------------------------------------------------------------------------------- */

static struct route_probe probes[PROBES_MAX];

/* The addresses that are asked about, in one line; a star behind those of all kinds of programs. */
static const char *asked(uint8_t family, bool shut)
{
	static char line[4096];
	struct route_plan plan;
	size_t count;

	line[0] = '\0';
	route_plan_make(&desired, family, &plan);
	count = shut ? route_probes_of_last_word(&plan, probes) : route_probes(&plan, &tunnel, probes);
	for (size_t i = 0; i < count; i++) {
		char text[NET_ADDRESS_TEXT];

		strcat(line, i > 0 ? " " : "");
		strcat(line, net_address_text(&probes[i].to, text));
		strcat(line, probes[i].everywhere ? "*" : "");
	}
	return line;
}

static void each_route_is_probed(void **state)
{
	(void)state;
	open_it();
	assert_string_equal(asked(NET_IPV4, false), "192.0.2.1* 198.51.100.1* 11.0.0.1* 10.8.0.1");
	assert_string_equal(asked(NET_IPV6, false), "2001:db8::1* 2600::1* 2a00::1* fd00:8::1");
	net_address_parse("9.9.9.9", &tunnel.dns[0]);
	net_address_parse("10.8.0.1", &tunnel.dns[1]);
	net_address_parse("10.8.0.2", &tunnel.dns[2]); /* its own end proves nothing */
	net_address_parse("2620:fe::fe", &tunnel.dns[3]);
	net_prefix_parse("10.99.0.0/16", &tunnel.routes[0].to);
	net_prefix_parse("10.98.7.254/31", &tunnel.routes[1].to);
	net_prefix_parse("10.97.7.255/32", &tunnel.routes[2].to);
	net_prefix_parse("10.96.7.252/30", &tunnel.routes[3].to);
	net_prefix_parse("198.51.100.0/24", &tunnel.routes[4].to);
	tunnel.routes[4].excluded = 1;
	assert_string_equal(asked(NET_IPV4, false),
			    "192.0.2.1* 11.0.0.1* 9.9.9.9 10.8.0.1 10.99.0.1 10.99.0.2 10.98.7.255 "
			    "10.97.7.255 10.96.7.253 10.96.7.254");
	assert_string_equal(asked(NET_IPV6, false), "2001:db8::1* 2600::1* 2a00::1* 2620:fe::fe fd00:8::1");
	desired.redirect = false;
	assert_string_equal(asked(NET_IPV4, false), "10.8.0.1 10.99.0.1 10.99.0.2 10.98.7.255 10.97.7.255 "
						    "10.96.7.253 10.96.7.254");
	/* What goes elsewhere proves nothing about the tunnel. */
	situation.lan = true;
	situation.tunnel.network_count = 0;
	net_prefix_parse("192.168.0.0/16", &tunnel.routes[0].to);
	net_prefix_parse("192.168.7.0/24", &tunnel.routes[1].to);
	assert_string_equal(asked(NET_IPV4, false),
			    "10.8.0.1 192.168.7.1 192.168.7.2 10.97.7.255 10.96.7.253 10.96.7.254");
	memset(&tunnel.address6, 0, sizeof tunnel.address6);
	assert_string_equal(asked(NET_IPV6, false), "");
}

static void shut_is_probed_where_nothing_else_is_said(void **state)
{
	(void)state;
	assert_string_equal(asked(NET_IPV4, true), "192.0.2.1* 198.51.100.1* 11.0.0.1*");
	assert_string_equal(asked(NET_IPV6, true), "2001:db8::1* 2600::1* 2a00::1*");
	open_it();
	assert_string_equal(asked(NET_IPV4, true), "");
}

static void all_probes_have_room(void **state)
{
	struct route_plan plan;

	(void)state;
	open_it();
	for (size_t i = 0; i < WIRE_ROUTES; i++)
		tunnel.routes[i].to = (struct net_prefix){{NET_IPV4, {11, (uint8_t)i}}, 16};
	for (uint8_t i = 0; i < WIRE_SERVERS; i++)
		tunnel.dns[i] = (struct net_address){NET_IPV4, {9, 9, 9, i}};
	route_plan_make(&desired, NET_IPV4, &plan);
	assert_int_equal(route_probes(&plan, &tunnel, probes), 2 + 1 + WIRE_SERVERS + 2 * WIRE_ROUTES);
}

/* An attribute of a message; NULL: it has none of that kind. */
static const struct nlattr *attribute_of(const struct nlmsghdr *message, uint16_t type)
{
	const struct nlattr *attribute = mnl_nlmsg_get_payload_offset(message, sizeof(struct rtmsg));

	for (; (const char *)attribute < (const char *)message + message->nlmsg_len;
	     attribute = (const void *)((const char *)attribute + MNL_ALIGN(attribute->nla_len)))
		if (mnl_attr_get_type(attribute) == type)
			return attribute;
	return NULL;
}

static void a_question_is_a_packets(void **state)
{
	_Alignas(8) static char buffer[ROUTE_MESSAGE];
	struct route_question question = {.user = SOMEBODY, .protocol = NET_TCP, .port = 443, .received = 0};
	const struct nlmsghdr *message;
	const struct rtmsg *body;

	(void)state;
	net_address_parse("192.0.2.1", &question.to);
	message = route_ask(buffer, &question);
	body = mnl_nlmsg_get_payload(message);
	assert_int_equal(message->nlmsg_type, RTM_GETROUTE);
	assert_int_equal(message->nlmsg_flags & NLM_F_DUMP, 0);
	assert_int_equal(body->rtm_family, AF_INET);
	assert_int_equal(body->rtm_dst_len, 32);
	assert_int_equal(body->rtm_src_len, 0);
	assert_memory_equal(mnl_attr_get_payload(attribute_of(message, RTA_DST)), "\300\0\2\1", 4);
	assert_int_equal(mnl_attr_get_u32(attribute_of(message, RTA_UID)), SOMEBODY);
	assert_int_equal(mnl_attr_get_u8(attribute_of(message, RTA_IP_PROTO)), NET_TCP);
	assert_memory_equal(mnl_attr_get_payload(attribute_of(message, RTA_DPORT)), "\1\273", 2);
	assert_null(attribute_of(message, RTA_SRC));
	assert_null(attribute_of(message, RTA_IIF));
	question = (struct route_question){.received = 9};
	net_address_parse("2001:db8::1", &question.to);
	net_address_parse("2001:db8::2", &question.from);
	message = route_ask(buffer, &question);
	body = mnl_nlmsg_get_payload(message);
	assert_int_equal(body->rtm_family, AF_INET6);
	assert_int_equal(body->rtm_dst_len, 128);
	assert_int_equal(body->rtm_src_len, 128);
	assert_memory_equal(mnl_attr_get_payload(attribute_of(message, RTA_SRC)), question.from.bytes, 16);
	assert_int_equal(mnl_attr_get_u32(attribute_of(message, RTA_IIF)), 9);
	assert_null(attribute_of(message, RTA_UID));
	assert_null(attribute_of(message, RTA_IP_PROTO));
	assert_null(attribute_of(message, RTA_DPORT));
	message = route_ask_link(buffer, 9);
	assert_int_equal(message->nlmsg_type, RTM_GETLINK);
	assert_int_equal(((const struct ifinfomsg *)mnl_nlmsg_get_payload(message))->ifi_index, 9);
	message = route_ask_addresses(buffer);
	assert_int_equal(message->nlmsg_type, RTM_GETADDR);
	assert_int_equal(message->nlmsg_flags & NLM_F_DUMP, NLM_F_DUMP);
}

static void an_answer_is_read_whole_or_not(void **state)
{
	static struct route_raw raw;
	struct nlmsghdr *message = (void *)raw.bytes;
	struct route_entry entry = {.to = {{NET_IPV4, {10}}, 8}, .leads = ROUTE_TO_TUNNEL, .index = 3};
	struct route_answer answer;
	uint32_t whole;

	(void)state;
	net_address_parse("10.8.0.2", &entry.source);
	route_add_entry(raw.bytes, &entry); /* it is told the same way */
	whole = message->nlmsg_len;
	assert_true(route_decode_answer(message, &answer));
	assert_int_equal(answer.type, RTN_UNICAST);
	assert_int_equal(answer.index, 3);
	assert_true(net_address_equal(&answer.source, &entry.source));
	for (uint32_t length = whole; length >= sizeof *message; length--) {
		message->nlmsg_len = length;
		assert_int_equal(route_decode_answer(message, &answer),
				 length >= sizeof *message + sizeof(struct rtmsg));
		assert_true(answer.index == 0 || answer.index == 3);
	}
	message->nlmsg_len = whole;
	message->nlmsg_type = RTM_DELROUTE;
	assert_false(route_decode_answer(message, &answer));
	message->nlmsg_type = RTM_NEWROUTE;
	((struct rtmsg *)mnl_nlmsg_get_payload(message))->rtm_family = AF_UNIX;
	assert_false(route_decode_answer(message, &answer));
	route_add_entry(raw.bytes, &entry);
	mnl_attr_put_u8(message, RTA_OIF, 3); /* too short for an index */
	assert_false(route_decode_answer(message, &answer));
	route_add_entry(raw.bytes, &entry);
	mnl_attr_put_u8(message, RTA_PREFSRC, 3);
	assert_false(route_decode_answer(message, &answer));
}

/* What names a route for the kernel, when it is deleted. */
static void long_and_named_routes_are_kept_by_their_place(void **state)
{
	_Alignas(8) static char room[8 * ROUTE_MESSAGE];
	static const char many[ROUTE_MESSAGE];
	static struct route_raw raw;
	struct nlmsghdr *message = (void *)room, *kept = (void *)raw.bytes;
	const struct route_entry entry = {
	    .to = {{NET_IPV4, {10}}, 8}, .leads = ROUTE_TO_TUNNEL, .metric = 5, .index = 3};

	(void)state;
	route_add_entry(room, &entry);
	assert_true(route_keep(message, &raw));
	assert_memory_equal(raw.bytes, room, message->nlmsg_len);
	mnl_attr_put_u32(message, RTA_NH_ID, 77);
	((struct rtmsg *)mnl_nlmsg_get_payload(message))->rtm_flags = RTNH_F_ONLINK;
	for (int i = 0; i < 2; i++) {
		assert_true(route_keep(message, &raw));
		assert_int_equal(kept->nlmsg_type, RTM_NEWROUTE);
		assert_int_equal(mnl_attr_get_u32(attribute_of(kept, RTA_NH_ID)), 77);
		assert_int_equal(mnl_attr_get_u32(attribute_of(kept, RTA_PRIORITY)), 5);
		assert_int_equal(mnl_attr_get_u32(attribute_of(kept, RTA_TABLE)), ROUTE_TABLE);
		assert_memory_equal(mnl_attr_get_payload(attribute_of(kept, RTA_DST)), "\12\0\0\0", 4);
		assert_null(attribute_of(kept, RTA_OIF));
		assert_null(attribute_of(kept, RTA_MULTIPATH));
		assert_int_equal(((struct rtmsg *)mnl_nlmsg_get_payload(kept))->rtm_flags, 0);
		assert_int_equal(((struct rtmsg *)mnl_nlmsg_get_payload(kept))->rtm_dst_len, 8);
		mnl_attr_put(message, RTA_MULTIPATH, sizeof many, many);
		mnl_attr_put(message, RTA_DST, sizeof many, many); /* no address is that long */
	}
	/* One byte less fits; a rule is never that long, or it is none that could be named. */
	for (uint32_t length = ROUTE_MESSAGE; length <= ROUTE_MESSAGE + 4; length += 4) {
		route_add_rule(room, NET_IPV4, &(struct route_rule){.priority = 5});
		mnl_attr_put(message, 0, length - message->nlmsg_len - MNL_ATTR_HDRLEN, many);
		assert_int_equal(message->nlmsg_len, length);
		assert_int_equal(route_keep(message, &raw), length == ROUTE_MESSAGE);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(shut_leads_nowhere, setup),
	    cmocka_unit_test_setup(open_leads_into_the_tunnel, setup),
	    cmocka_unit_test_setup(only_what_is_routed_without_a_redirect, setup),
	    cmocka_unit_test_setup(the_other_end_is_a_route, setup),
	    cmocka_unit_test_setup(local_networks_less_the_tunnels, setup),
	    cmocka_unit_test_setup(who_is_behind, setup),
	    cmocka_unit_test_setup(exemptions_are_narrow, setup),
	    cmocka_unit_test_setup(a_portal_has_a_way, setup),
	    cmocka_unit_test_setup(a_full_plan_fits, setup),
	    cmocka_unit_test_setup(messages_come_back_as_they_went, setup),
	    cmocka_unit_test_setup(what_is_not_ours_is_told_from_what_is_strange, setup),
	    cmocka_unit_test_setup(each_route_is_probed, setup),
	    cmocka_unit_test_setup(shut_is_probed_where_nothing_else_is_said, setup),
	    cmocka_unit_test_setup(all_probes_have_room, setup),
	    cmocka_unit_test_setup(a_question_is_a_packets, setup),
	    cmocka_unit_test_setup(an_answer_is_read_whole_or_not, setup),
	    cmocka_unit_test_setup(long_and_named_routes_are_kept_by_their_place, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
