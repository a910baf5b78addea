/* The rule table: every row has rules, every chain ends shut, every state opens only its rows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "between.h"
#include "policy/print.h"
#include "policy/rules.h"
#include "policy_cases.h"

static void test_rows_and_rules(void **state)
{
	size_t count, of_row[RULE_PORTAL_ROW + 1] = {0};
	const struct rule *table = policy_table(&count);

	(void)state;
	assert_true(count <= RULE_TABLE_MAX);
	for (size_t i = 0; i < count; i++) {
		assert_between(table[i].row, 1, RULE_PORTAL_ROW);
		assert_non_null(table[i].why);
		of_row[table[i].row]++;
	}
	for (size_t row = 1; row <= RULE_PORTAL_ROW; row++)
		if (of_row[row] == 0)
			fail_msg("row %zu has no rule", row);
}

static bool stops_everything(const struct rule *rule)
{
	return rule->action == RULE_STOP && rule->row == RULE_LAST_ROW && rule->link == LINK_ANY &&
	       rule->from == LINK_ANY && rule->family == NET_NONE && rule->proto == 0 &&
	       rule->source == SET_ANY && rule->destination == SET_ANY && rule->source_port == 0 &&
	       rule->destination_port == 0 && rule->source_ports == SET_ANY &&
	       rule->destination_ports == SET_ANY && rule->icmp_type == RULE_NO_TYPE &&
	       rule->hop_limit == 0 && rule->owner == OWNER_ANY && rule->flow == FLOW_ANY &&
	       rule->ether_type == 0;
}

/* Where a row stands in the promise's order. */
static unsigned place_of(uint8_t row)
{
	return row == RULE_LAN_SIDE_ROW  ? 25
	       : row == RULE_FORWARD_ROW ? 95
	       : row == RULE_BRIDGE_ROW  ? 93
	       : row == RULE_PORTAL_ROW  ? 55
					 : row * 10u;
}

static void test_every_chain_ends_shut(void **state)
{
	size_t count;
	const struct rule *table = policy_table(&count), *last[RULE_HOOKS] = {NULL};
	unsigned place[RULE_HOOKS] = {0};

	(void)state;
	for (size_t i = 0; i < count; i++) {
		enum rule_hook hook = table[i].hook;

		/* The promise is in order: so are the rules of each chain (egress has the link layer, leave
		 * asks for links; in and out decide about the tunnel, row 9, right after loopback). */
		if (table[i].row == 9 && hook != RULE_FORWARD && hook != RULE_LEAVE) {
			assert_true(place[hook] == 10);
			continue;
		}
		if (hook != RULE_EGRESS && hook != RULE_LEAVE && place_of(table[i].row) < place[hook])
			fail_msg("rule %zu: row %u comes too late", i, table[i].row);
		place[hook] = place_of(table[i].row);
		last[hook] = &table[i];
	}
	for (int hook = RULE_IN; hook <= RULE_EGRESS; hook++)
		assert_true(last[hook] != NULL && stops_everything(last[hook]));
}

/* What the printers and the netlink writer rely on. */
static void test_rules_are_whole(void **state)
{
	size_t count;
	const struct rule *table = policy_table(&count);

	(void)state;
	for (size_t i = 0; i < count; i++) {
		const struct rule *rule = &table[i];
		bool ported = rule->source_port != 0 || rule->destination_port != 0 ||
			      rule->source_ports != SET_ANY || rule->destination_ports != SET_ANY;

		if (ported && rule->row != RULE_PORTAL_ROW) /* there the set has the protocol, too */
			assert_true(rule->proto == NET_TCP || rule->proto == NET_UDP);
		if (rule->source != SET_ANY || rule->destination != SET_ANY || rule->asked_from != SET_ANY)
			assert_true(rule->family == NET_IPV4 || rule->family == NET_IPV6);
		if (rule->owner != OWNER_ANY) /* only a sender of ours has an owner everywhere */
			assert_true(rule->hook == RULE_OUT || rule->hook == RULE_EGRESS);
		if (rule->action == RULE_PASS && rule->hook == RULE_OUT && rule->link != LINK_LOOPBACK &&
		    rule->link != LINK_TUNNEL) /* nothing passes out to everywhere */
			assert_true(rule->destination != SET_ANY ||
				    (rule->row == RULE_PORTAL_ROW && rule->owner == OWNER_PORTAL_GROUP &&
				     rule->destination_ports == SET_PORTAL_ANY));
	}
}

/* Without a gateway nothing is forwarded, into the tunnel or out of it, but by the link that asked. */
static void test_who_asked_is_asked_for(void **state)
{
	size_t count, found = 0;
	const struct rule *table = policy_table(&count);

	(void)state;
	for (size_t i = 0; i < count; i++) {
		const struct rule *rule = &table[i];
		bool forwards = rule->hook == RULE_FORWARD || rule->hook == RULE_LEAVE;
		bool comes = forwards && rule->from == LINK_TUNNEL, goes = rule->link == LINK_TUNNEL;
		bool is_its = rule->action == RULE_PASS && rule->gateway == GATEWAY_NEVER;

		if (rule->asker == ASKER_ANY) {
			assert_false(is_its && forwards);
			continue;
		}
		assert_true(is_its && (rule->asker == ASKER_LEAVES ? comes : goes));
		assert_true(rule->asker == ASKER_LEAVES || rule->hook == RULE_FORWARD);
		assert_int_equal(rule->flow != FLOW_ANY, rule->asker == ASKER_LEAVES);
		found++;
	}
	assert_int_equal(found, 6);
}

/* However long the kernel keeps a connection, up to five days, its claim does not end before. */
static void test_claims_do_not_end_before_the_connection(void **state)
{
	uint32_t kept = POLICY_CLAIM_LONGEST - POLICY_CLAIM_MARGIN; /* at most, in the class before */

	(void)state;
	for (size_t i = 0; i < POLICY_CLAIMS; i++) {
		assert_true(policy_claims[i].beyond < kept && policy_claims[i].lasts >= kept);
		kept = policy_claims[i].beyond;
	}
	assert_int_equal(kept, 0);
	assert_true(POLICY_CLAIM_MARGIN > 0);
}

/* Which rows pass something out or in, by state: rows 1, 6, 7 always. */
static void assert_rows(const char *name, const char *expected)
{
	struct situation s = situation_named(name);
	char rows[32] = "";
	size_t count, used = 0;
	const struct rule *table = policy_table(&count);

	for (unsigned row = 1; row <= RULE_PORTAL_ROW; row++) {
		bool passes = false;

		if (row == RULE_LINK_ROW)
			continue;

		for (size_t i = 0; i < count; i++)
			passes |= table[i].row == row && table[i].action == RULE_PASS &&
				  policy_applies(&table[i], &s);
		if (passes)
			used += (size_t)snprintf(rows + used, sizeof rows - used, "%u ", row);
	}
	if (strcmp(rows, expected) != 0)
		fail_msg("%s passes rows %s, not %s", name, rows, expected);
}

static void test_rows_of_each_state(void **state)
{
	(void)state;
	assert_rows("locked", "1 6 7 ");
	assert_rows("locked-lan", "1 6 7 10 ");
	assert_rows("locked-nothing-known", "1 6 7 ");
	/* A filter that asks this can't end row 16 by itself. */
	assert_rows("locked-portal", "1 6 7 ");
	assert_rows("dialling-udp4", "1 3 4 6 7 ");
	assert_rows("dialling-tcp6", "1 3 4 6 7 ");
	assert_rows("dialling-resolver", "1 3 4 5 6 7 ");
	assert_rows("asking", "1 5 6 7 ");
	assert_rows("dialling-address-known", "1 3 4 6 7 ");
	assert_rows("open", "1 3 4 6 7 9 ");
	assert_rows("open-lan", "1 3 4 6 7 9 10 ");
	assert_rows("locked-gateway", "1 6 7 13 15 ");
	assert_rows("dialling-gateway", "1 3 4 6 7 13 15 ");
	assert_rows("open-gateway", "1 3 4 6 7 9 13 14 15 ");
}

static bool row_2_applies(const struct situation *s)
{
	size_t count;
	const struct rule *table = policy_table(&count);

	for (size_t i = 0; i < count; i++)
		if (table[i].row == 2 && policy_applies(&table[i], s))
			return true;
	return false;
}

/* Row 2 begins with the address, before the tunnel is open, and lasts into locked. */
static void test_tunnel_address_is_guarded_in_any_state(void **state)
{
	struct situation none = situation_named("locked"),
			 dialling = situation_named("dialling-address-known"),
			 locked = situation_named("locked-lan");

	(void)state;
	assert_false(row_2_applies(&none));
	assert_true(row_2_applies(&dialling));
	assert_true(row_2_applies(&locked));
}

/* A rule applies if each set that it asks for has a member, and if there is a tunnel, where it names that. */
static void test_a_rule_applies_if_no_set_is_empty(void **state)
{
	const struct rule lan_side = {.source = SET_LAN_SIDE}, ports = {.source = SET_DNS_PORTS},
			  asked = {.asked_from = SET_TUNNEL_ADDRESS, .family = NET_IPV4},
			  goes = {.destination = SET_TUNNEL_ADDRESS, .family = NET_IPV4},
			  into = {.link = LINK_TUNNEL}, from = {.from = LINK_TUNNEL};
	struct situation s = situation_named("open"), gateway = situation_named("open-gateway");

	(void)state;
	assert_true(policy_applies(&ports, &s));
	assert_false(policy_applies(&lan_side, &s));
	assert_true(policy_applies(&lan_side, &gateway));
	assert_true(policy_applies(&asked, &s) && policy_applies(&goes, &s));
	assert_true(policy_applies(&into, &s) && policy_applies(&from, &s));
	s.tunnel.name[0] = '\0';
	assert_false(policy_applies(&into, &s) || policy_applies(&from, &s));
	s.tunnel.address4.family = NET_NONE;
	assert_false(policy_applies(&asked, &s) || policy_applies(&goes, &s));
}

/* The mark lets a frame out of a physical link: what stops something, and what egress never sees, has none.
 */
static void test_what_is_marked(void **state)
{
	static const struct {
		struct rule rule;
		bool marking;
	} rules[] = {{{.hook = RULE_LEAVE, .link = LINK_PHYSICAL, .action = RULE_PASS}, true},
		     {{.hook = RULE_LEAVE, .link = LINK_PHYSICAL, .action = RULE_STOP}, false},
		     {{.hook = RULE_LEAVE, .link = LINK_LOOPBACK, .action = RULE_PASS}, false},
		     {{.hook = RULE_LEAVE, .link = LINK_TUNNEL, .action = RULE_PASS}, false},
		     {{.hook = RULE_EGRESS, .action = RULE_PASS}, true},
		     {{.hook = RULE_EGRESS, .action = RULE_STOP}, false},
		     {{.hook = RULE_BRIDGE, .action = RULE_PASS}, true},
		     {{.hook = RULE_BRIDGE, .action = RULE_STOP}, false},
		     {{.hook = RULE_OUT, .link = LINK_PHYSICAL, .action = RULE_PASS}, false}};

	(void)state;
	for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
		if (policy_is_marking(&rules[i].rule) != rules[i].marking)
			fail_msg("rule %zu", i);
}

/* A hole that was left in the situation must not pass while locked; nor a resolver while open. */
static void test_leftovers_do_not_open(void **state)
{
	struct situation s = situation_named("dialling-resolver");
	struct net_prefix member;

	(void)state;
	assert_int_equal(policy_members(SET_ENDPOINT, &s, NET_IPV4, &member, 1), 1);
	assert_int_equal(member.length, 32);
	assert_int_equal(policy_members(SET_ENDPOINT, &s, NET_IPV6, &member, 1), 0);
	assert_int_equal(policy_members(SET_RESOLVER, &s, NET_IPV4, &member, 1), 1);
	s.state = POLICY_OPEN;
	assert_int_equal(policy_members(SET_RESOLVER, &s, NET_IPV4, &member, 1), 0);
	s.state = POLICY_LOCKED;
	assert_int_equal(policy_members(SET_RESOLVER, &s, NET_IPV4, &member, 1), 0);
	assert_int_equal(policy_members(SET_ENDPOINT, &s, NET_IPV4, &member, 1), 0);
	assert_int_equal(policy_members(SET_ENDPOINT_ADDRESS, &s, NET_IPV4, &member, 1), 0);
}

static void assert_members_are_apart(enum rule_set set, const struct situation *s, uint8_t family)
{
	struct net_prefix members[RULE_MEMBERS_MAX];
	size_t count = policy_members(set, s, family, members, RULE_MEMBERS_MAX);

	assert_true(count <= RULE_MEMBERS_MAX);
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(members[i].address.family, family);
		for (size_t j = 0; j < i; j++) {
			assert_true(memcmp(members[j].address.bytes, members[i].address.bytes, 16) < 0);
			assert_false(net_prefix_contains(&members[j], &members[i].address));
			assert_false(net_prefix_contains(&members[i], &members[j].address));
		}
	}
}

static void test_members_are_sorted_and_apart(void **state)
{
	(void)state;
	for (size_t i = 0; i < POLICY_CASES; i++) {
		struct situation s = policy_case_make(&policy_cases[i]);

		for (int set = SET_ANY; set < SET_COUNT; set++) {
			assert_members_are_apart((enum rule_set)set, &s, NET_IPV4);
			assert_members_are_apart((enum rule_set)set, &s, NET_IPV6);
		}
	}
}

/* Each set has a name of its own, which filters share; what is no set has none. */
static void test_names_of_sets(void **state)
{
	(void)state;
	assert_string_equal(policy_set_name(SET_ANY), "");
	for (int set = SET_ANY; set < SET_COUNT; set++) {
		assert_non_null(policy_set_name((enum rule_set)set));
		for (int other = SET_ANY; other < set; other++)
			assert_string_not_equal(policy_set_name((enum rule_set)set),
						policy_set_name((enum rule_set)other));
	}
}

static void test_overlapping_members_are_merged(void **state)
{
	struct situation s = situation_named("locked");
	struct net_prefix members[RULE_MEMBERS_MAX];

	(void)state;
	s.neighbour_count = SITUATION_NEIGHBOURS;
	for (size_t i = 0; i < SITUATION_NEIGHBOURS; i++)
		must(net_prefix_parse(i % 2 == 0 ? "2001:db8:1::/64" : "2001:db8:1::77/128",
				      &s.neighbours[i]));
	/* ::, the prefix, fe80::/10, ff02::1, ff02::1:ff00:0/104 */
	assert_int_equal(policy_members(SET_NEIGHBOURS, &s, NET_IPV6, members, RULE_MEMBERS_MAX), 5);
	assert_int_equal(members[1].length, 64);
	/* A small buffer is not overrun, and the count is still the whole. */
	memset(members, 0xee, sizeof members);
	assert_int_equal(policy_members(SET_NEIGHBOURS, &s, NET_IPV6, members, 2), 5);
	assert_int_equal(members[2].length, 0xee);
	/* Of two with one address the wider one is left, whichever comes first. */
	s.neighbour_count = 4;
	must(net_prefix_parse("2001:db8:2::/96", &s.neighbours[0]));
	must(net_prefix_parse("2001:db8:2::/80", &s.neighbours[1]));
	must(net_prefix_parse("2001:db8:1::/80", &s.neighbours[2]));
	must(net_prefix_parse("2001:db8:1::/96", &s.neighbours[3]));
	assert_int_equal(policy_members(SET_NEIGHBOURS, &s, NET_IPV6, members, RULE_MEMBERS_MAX), 6);
	assert_int_equal(members[1].length, 80);
	assert_int_equal(members[2].length, 80);
}

/* To ipfw these are no names of interfaces: a condition on them would be none, or one on an address. */
static void test_ipfw_refuses_what_it_reads_otherwise(void **state)
{
	static const char *const names[] = {"any", "7", "10.0.0.1"};
	static char text[PRINT_SIZE];
	struct situation s = situation_named("open");
	struct err e = {{0}};

	(void)state;
	assert_int_equal(policy_print_ipfw(&s, text, sizeof text, &e), 0);
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		strcpy(s.tunnel.name, names[i]);
		assert_int_equal(policy_print_ipfw(&s, text, sizeof text, &e), -1);
		assert_non_null(strstr(e.text, "; instead: tun and a number"));
	}
	s = situation_named("open-gateway");
	strcpy(s.lan_side[1], "any");
	assert_int_equal(policy_print_ipfw(&s, text, sizeof text, &e), -1);
	assert_non_null(strstr(e.text, "LAN-side links"));
	strcpy(s.lan_side[1], s.lan_side[0]);
	strcpy(s.lan_side[0], "any"); /* one that is right after it makes it no better */
	assert_int_equal(policy_print_ipfw(&s, text, sizeof text, &e), -1);
	assert_non_null(strstr(e.text, "LAN-side links"));
	strcpy(s.lan_side[0], "en2");
	assert_int_equal(policy_print_ipfw(&s, text, sizeof text, &e), 0);
}

/* The two sets have the same rules; each says how it takes over from the other. */
static void test_ipfw_sets(void **state)
{
	static char one[PRINT_SIZE], other[PRINT_SIZE];
	struct situation s = situation_named("open-lan");
	struct err e = {{0}};

	(void)state;
	assert_int_equal(policy_print_ipfw_set(&s, POLICY_IPFW_SET, one, sizeof one, &e), 0);
	assert_int_equal(policy_print_ipfw_set(&s, POLICY_IPFW_OTHER_SET, other, sizeof other, &e), 0);
	assert_non_null(strstr(one, "`ipfw set disable 27 enable 26`"));
	assert_non_null(strstr(other, "`ipfw set disable 26 enable 27`"));
	assert_null(strstr(one, " set 27 allow"));
	assert_null(strstr(other, " set 26 "));
	assert_int_equal(strlen(one), strlen(other));
}

/* Each rule for a LAN-side link stands before everything that other physical links are let, and the last of
 * them stops: what follows never meets one. */
static void test_lan_side_links_are_decided_first(void **state)
{
	static const enum rule_hook hooks[] = {RULE_IN, RULE_OUT};
	size_t count;
	const struct rule *table = policy_table(&count);

	(void)state;
	for (size_t h = 0; h < 2; h++) {
		const struct rule *last = NULL;
		bool left = false;

		for (size_t i = 0; i < count; i++) {
			if (table[i].hook != hooks[h])
				continue;
			if (table[i].link == LINK_LAN_SIDE) {
				assert_false(left);
				last = &table[i];
			} else if (table[i].link == LINK_PHYSICAL && table[i].action == RULE_PASS) {
				left = true;
			}
		}
		assert_non_null(last);
		assert_int_equal(last->action, RULE_STOP);
		assert_int_equal(last->family, NET_NONE);
		assert_int_equal(last->proto, 0);
	}
}

/* A rule for nobody would be one for everybody: it does not stand, whatever its sets hold later. */
static void test_rules_of_nobody_are_left_out(void **state)
{
	static char text[PRINT_SIZE];
	struct situation s = situation_named("locked");
	struct err e = {{0}};

	(void)state;
	assert_int_equal(policy_print_nft(&s, text, sizeof text, &e), 0);
	assert_non_null(strstr(text, " meta skgid 777 accept\n"));
	assert_non_null(strstr(text, "# row 3: openvpn to its endpoint\n"));
	assert_non_null(strstr(text, " meta skuid 778 accept\n"));
	memset(&s.openvpn_group, 0, sizeof s.openvpn_group);
	memset(&s.driver_user, 0, sizeof s.driver_user);
	assert_int_equal(policy_print_nft(&s, text, sizeof text, &e), 0);
	assert_null(strstr(text, "skgid"));
	assert_null(strstr(text, "# row 3: openvpn to its endpoint\n"));
	assert_null(strstr(text, "# row 5: the driver to the resolver\n"));
	assert_non_null(strstr(text, " meta skuid @dhcp_users accept\n"));
}

/* The tunnel's link is in its set while the tunnel is open: by number where that is known. */
static void test_the_tunnels_link_by_number(void **state)
{
	static char text[PRINT_SIZE];
	struct situation s = situation_named("open");
	struct err e = {{0}};

	(void)state;
	assert_int_equal(policy_print_nft(&s, text, sizeof text, &e), 0);
	assert_non_null(strstr(text, "\t\telements = { \"tun0\" . \"tun\" }\n"));
	s.tunnel.index = 7;
	assert_int_equal(policy_print_nft(&s, text, sizeof text, &e), 0);
	assert_non_null(strstr(text, "\t\telements = { 7 . \"tun\" }\n"));
	assert_null(strstr(text, "elements = { \"tun0\""));
	s.state = POLICY_DIALLING;
	assert_int_equal(policy_print_nft(&s, text, sizeof text, &e), 0);
	assert_null(strstr(text, " . \"tun\" }"));
}

/* Root as the DHCP client's user is root once. */
static void test_root_is_not_named_twice(void **state)
{
	static char text[PRINT_SIZE];
	struct situation s = situation_named("locked-dhcp-user");
	struct err e = {{0}};

	(void)state;
	assert_int_equal(policy_print_pf(&s, text, sizeof text, &e), 0);
	assert_non_null(strstr(text, "user { 0, 65 }"));
	s.dhcp_user.number = 0;
	assert_int_equal(policy_print_pf(&s, text, sizeof text, &e), 0);
	assert_non_null(strstr(text, "user = 0 "));
	assert_int_equal(policy_print_nft(&s, text, sizeof text, &e), 0);
	assert_non_null(strstr(text, "elements = { 0 }"));
}

/* The largest situation fits into PRINT_SIZE; a smaller buffer is refused, never overrun. */
static void test_size_of_the_text(void **state)
{
	static char text[PRINT_SIZE];
	struct situation s = situation_named("open-lan");
	struct err e = {{0}};

	(void)state;
	s.link_count = SITUATION_LINKS;
	for (size_t i = 0; i < SITUATION_LINKS; i++)
		snprintf(s.links[i], sizeof s.links[i], "interface%06zu", i);
	s.neighbour_count = SITUATION_NEIGHBOURS;
	for (size_t i = 0; i < SITUATION_NEIGHBOURS; i++) {
		must(net_prefix_parse("2001:db8:1111:2222:3333:4444:5555:0/128", &s.neighbours[i]));
		s.neighbours[i].address.bytes[15] = (uint8_t)i;
	}
	s.lan_side_count = SITUATION_LAN_SIDE;
	for (size_t i = 0; i < SITUATION_LAN_SIDE; i++)
		snprintf(s.lan_side[i], sizeof s.lan_side[i], "lanside%08zu", i);
	s.tunnel.network_count = SITUATION_NETWORKS;
	for (size_t i = 0; i < SITUATION_NETWORKS; i++) {
		must(net_prefix_parse("fd00:1111:2222:3333:4444:5555:6666:0/127", &s.tunnel.networks[i]));
		s.tunnel.networks[i].address.bytes[15] = (uint8_t)(4 * i);
	}
	assert_int_equal(policy_print_nft(&s, text, sizeof text, &e), 0);
	assert_int_equal(policy_print_pf(&s, text, sizeof text, &e), 0);
	assert_int_equal(policy_print_ipfw(&s, text, sizeof text, &e), 0);
	for (size_t size = 0; size < 2000; size += 37) {
		text[size] = 'x';
		assert_int_equal(policy_print_nft(&s, text, size, &e), -1);
		assert_int_equal(policy_print_pf(&s, text, size, &e), -1);
		assert_int_equal(policy_print_ipfw(&s, text, size, &e), -1);
		assert_int_equal(text[size], 'x');
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_rows_and_rules),
	    cmocka_unit_test(test_every_chain_ends_shut),
	    cmocka_unit_test(test_rules_are_whole),
	    cmocka_unit_test(test_who_asked_is_asked_for),
	    cmocka_unit_test(test_claims_do_not_end_before_the_connection),
	    cmocka_unit_test(test_lan_side_links_are_decided_first),
	    cmocka_unit_test(test_rows_of_each_state),
	    cmocka_unit_test(test_tunnel_address_is_guarded_in_any_state),
	    cmocka_unit_test(test_a_rule_applies_if_no_set_is_empty),
	    cmocka_unit_test(test_what_is_marked),
	    cmocka_unit_test(test_leftovers_do_not_open),
	    cmocka_unit_test(test_members_are_sorted_and_apart),
	    cmocka_unit_test(test_names_of_sets),
	    cmocka_unit_test(test_overlapping_members_are_merged),
	    cmocka_unit_test(test_rules_of_nobody_are_left_out),
	    cmocka_unit_test(test_the_tunnels_link_by_number),
	    cmocka_unit_test(test_root_is_not_named_twice),
	    cmocka_unit_test(test_size_of_the_text),
	    cmocka_unit_test(test_ipfw_refuses_what_it_reads_otherwise),
	    cmocka_unit_test(test_ipfw_sets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
