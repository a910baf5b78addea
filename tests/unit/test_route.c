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
	    cmocka_unit_test_setup(a_full_plan_fits, setup),
	    cmocka_unit_test_setup(messages_come_back_as_they_went, setup),
	    cmocka_unit_test_setup(what_is_not_ours_is_told_from_what_is_strange, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
