/* The policy as nftables' messages, without a kernel. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include "nft_policy.h"

static const struct nft_elements *members(const char *name)
{
	for (unsigned i = 0; i < NFT_SETS; i++)
		if (strcmp(nft_sets[i].name, name) == 0)
			return &desired->members[i];
	fail_msg("no set %s", name);
	return NULL;
}

static bool has(const struct nft_elements *elements, const char *address, bool is_end)
{
	struct net_address wanted;

	assert_int_equal(net_address_parse(address, &wanted), 0);
	for (size_t i = 0; i < elements->count; i++)
		if (memcmp(elements->list[i].key, wanted.bytes, wanted.family == NET_IPV4 ? 4 : 16) == 0 &&
		    elements->list[i].end == is_end)
			return true;
	return false;
}

static void test_every_set_has_a_name(void **state)
{
	(void)state;
	for (unsigned i = 0; i < NFT_SETS; i++)
		assert_non_null(nft_sets[i].name);
	assert_string_equal(nft_sets[NFT_PAUSED].name, "paused");
	assert_string_equal(nft_sets[NFT_PAUSED_LINKS].name, "paused_links");
}

static bool is_word_of_nft(const char *name)
{
	for (size_t i = 0; i < sizeof nft_words / sizeof nft_words[0]; i++)
		if (strcmp(nft_words[i], name) == 0)
			return true;
	return false;
}

/* A word that nft reads as one can be no name: `nft list ruleset | nft -f -` fails, and with it the owner's
 * own rules. The three that have always been names of ours are words inside `ipsec` and `tunnel` only. */
static void test_no_name_is_a_word_of_nft(void **state)
{
	static const uint16_t kinds[] = {NFT_MSG_NEWTABLE, NFT_MSG_NEWSET, NFT_MSG_NEWCHAIN, NFT_MSG_NEWOBJ};
	size_t names = 0;

	(void)state;
	s.lan_side_count = 1;
	strcpy(s.lan_side[0], "br0");
	desired->link_count = 1;
	desired->links[0] = (struct nft_link){"eth0", 2};
	assert_int_equal(nft_desired_rules(desired, &s, &e), 1);
	nft_desired_links(desired);
	for (size_t i = 0; i < desired->count; i++) {
		const struct nlmsghdr *m = nft_piece_message(desired, &desired->pieces[i]);
		const char *name = nft_text(m, nft_name_type(m));

		for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++)
			names += nft_type(m) == kinds[k];
		if (strcmp(name, "in") != 0 && strcmp(name, "out") != 0 && strcmp(name, "egress") != 0)
			assert_false(is_word_of_nft(name));
	}
	assert_true(names > 40);
	assert_true(is_word_of_nft("tunnel") && is_word_of_nft("set") && is_word_of_nft("last"));
}

static void test_intervals_end_behind_their_prefix(void **state)
{
	const struct nft_elements *servers = members("dhcp_servers4"), *lan = members("lan6");

	(void)state;
	s.lan = true;
	nft_desired_members(desired, &s);
	assert_true(has(servers, "10.0.0.0", false) && has(servers, "11.0.0.0", true));
	assert_true(has(servers, "100.64.0.0", false) && has(servers, "100.128.0.0", true));
	assert_true(has(servers, "172.16.0.0", false) && has(servers, "172.32.0.0", true));
	assert_true(has(servers, "192.168.0.0", false) && has(servers, "192.169.0.0", true));
	assert_true(has(lan, "fc00::", false) && has(lan, "fe00::", true));
	/* Nothing is behind the last address. */
	assert_true(has(servers, "255.255.255.255", false));
	assert_false(has(servers, "0.0.0.0", true));
	assert_int_equal(servers->count % 2, 1);
}

static void test_members_follow_the_state(void **state)
{
	static const uint8_t endpoint[12] = {192, 0, 2, 7, NET_UDP, 0, 0, 0, 1194 >> 8, 1194 & 0xff};

	(void)state;
	s.tunnel.index = 7;
	nft_desired_members(desired, &s);
	assert_int_equal(members("endpoint4")->count, 0);
	assert_int_equal(members("tunnel_link")->count, 0);
	s.state = POLICY_DIALLING;
	nft_desired_members(desired, &s);
	assert_int_equal(members("endpoint4")->count, 1);
	assert_memory_equal(members("endpoint4")->list[0].key, endpoint, sizeof endpoint);
	assert_int_equal(members("endpoint6")->count, 0);
	s.state = POLICY_OPEN;
	nft_desired_members(desired, &s);
	assert_int_equal(members("tunnel_link")->count, 1);
	assert_memory_equal(members("tunnel_link")->list[0].key, &s.tunnel.index, sizeof s.tunnel.index);
	assert_int_equal(members("paused")->count, 0);
}

static void test_rules_fit_and_are_made_once(void **state)
{
	size_t standing;

	(void)state;
	assert_int_equal(nft_desired_rules(desired, &s, &e), 1);
	assert_false(desired->messages.full);
	standing = desired->standing;
	assert_int_equal(nft_desired_rules(desired, &s, &e), 0);
	for (size_t i = 0; i < NFT_LINKS; i++)
		desired->links[i] = (struct nft_link){.name = "eth", .index = (unsigned)i + 1};
	desired->link_count = NFT_LINKS;
	nft_desired_links(desired);
	assert_false(desired->messages.full);
	assert_int_equal(desired->count, standing + 4 * (size_t)NFT_LINKS);
	desired->link_count = 1;
	nft_desired_links(desired);
	assert_int_equal(desired->count, standing + 4);
	s.openvpn_group.number = 4244;
	assert_int_equal(nft_desired_rules(desired, &s, &e), 1);
	assert_int_equal(desired->count, standing);
}

static void test_one_chain_for_every_link(void **state)
{
	size_t chains = 0;

	(void)state;
	desired->features.every_link = true;
	desired->links[0] = (struct nft_link){.name = "eth0", .index = 2};
	desired->link_count = 1;
	assert_int_equal(nft_desired_rules(desired, &s, &e), 1);
	nft_desired_links(desired);
	assert_int_equal(desired->count, desired->standing); /* no link has one of its own */
	for (size_t i = 0; i < desired->count; i++) {
		const struct nlmsghdr *m = nft_piece_message(desired, &desired->pieces[i]);
		struct attributes in = nft_attributes(m), devices;

		if (nft_type(m) != NFT_MSG_NEWCHAIN || nft_family_of(m) != NFPROTO_NETDEV ||
		    attributes_find(in, NFTA_CHAIN_HOOK) == NULL)
			continue;
		devices = attributes_inside(
		    attributes_find(attributes_inside(attributes_find(in, NFTA_CHAIN_HOOK)), NFTA_HOOK_DEVS));
		assert_int_equal(mnl_attr_get_type(devices.first), 2); /* NFTA_DEVICE_PREFIX */
		assert_int_equal(mnl_attr_get_payload_len(devices.first), 1);
		assert_string_equal(mnl_attr_get_str(devices.first), "");
		chains++;
	}
	assert_int_equal(chains, 1);
}

static void test_an_unknown_identity_is_refused(void **state)
{

	(void)state;
	s.openvpn_group = (struct identity){.known = false, .name = "_nobody_here"};
	assert_int_equal(nft_desired_rules(desired, &s, &e), -1);
	assert_non_null(strstr(e.text, "_nobody_here"));
}

static void test_a_message_is_described(void **state)
{
	char text[64];

	(void)state;
	assert_int_equal(nft_desired_rules(desired, &s, &e), 1);
	nft_describe(nft_piece_message(desired, &desired->pieces[1]), text, sizeof text);
	assert_string_equal(text, "counter blocked");
	nft_describe(nft_piece_message(desired, &desired->pieces[2]), text, sizeof text);
	assert_string_equal(text, "set endpoint4");
}

/* --- every rule of the promise ------------------------------------------------- */

static bool has_set(const char *name, unsigned table)
{
	for (unsigned i = 0; i < NFT_SETS; i++)
		if (nft_sets[i].table == table && strcmp(nft_sets[i].name, name) == 0)
			return true;
	return false;
}

/* The sets that a rule looks up stand in its own table. Returns the number of expressions. */
static unsigned check_expressions(const struct nlattr *list, unsigned table)
{
	unsigned count = 0;

	for (const struct nlattr *x = attributes_first(attributes_inside(list)); x != NULL;
	     x = attributes_next(attributes_inside(list), x), count++) {
		const struct nlattr *name = attributes_find(attributes_inside(x), NFTA_EXPR_NAME);
		const struct nlattr *data = attributes_find(attributes_inside(x), NFTA_EXPR_DATA);

		assert_non_null(name);
		assert_non_null(data);
		if (strcmp(mnl_attr_get_str(name), "lookup") == 0)
			assert_true(has_set(
			    mnl_attr_get_str(attributes_find(attributes_inside(data), NFTA_LOOKUP_SET)),
			    table));
		if (strcmp(mnl_attr_get_str(name), "dynset") == 0)
			assert_true(has_set(
			    mnl_attr_get_str(attributes_find(attributes_inside(data), NFTA_DYNSET_SET_NAME)),
			    table));
	}
	return count;
}

static void test_every_rule_compiles(void **state)
{
	size_t total;
	const struct rule *rules = policy_table(&total);

	(void)state;
	for (size_t i = 0; i < total; i++) {
		unsigned table = nft_table_of(rules[i].hook);
		struct nlmsghdr *m = nft_message_of(&batch, &desired->features, table, NFT_MSG_NEWRULE, 0);
		struct nlattr *list = mnl_attr_nest_start(m, NFTA_RULE_EXPRESSIONS);

		nft_put_rule(m, &rules[i], &desired->features, &s);
		mnl_attr_nest_end(m, list);
		assert_true(m->nlmsg_len < NFT_MESSAGE / 4);
		assert_true(check_expressions(list, table) >= 1);
		s.lan_side_count = rules[i].gateway == GATEWAY_ONLY;
		s.pppoe = s.lacp = true;
		s.portal.group.known = true;
		assert_false(nft_is_left_out(&rules[i], &desired->features, &s));
		s.lan_side_count = rules[i].gateway != GATEWAY_ONLY;
		assert_int_equal(nft_is_left_out(&rules[i], &desired->features, &s),
				 rules[i].gateway != GATEWAY_EITHER);
		nft_buffer_empty(&batch);
	}
	assert_true(total > 40);
}

/* Of nobody, and of a family that the kernel lacks. */
static void test_rules_of_nobody_are_left_out(void **state)
{
	size_t total;
	const struct rule *rules = policy_table(&total);

	(void)state;
	for (unsigned who = 0; who < 4; who++) {
		size_t left_out = 0;

		s.openvpn_group.known = who != 0;
		s.driver_user.known = who != 1;
		desired->features.ipv6 = who != 2;
		s.portal.group.known = who != 3;
		for (size_t i = 0; i < total; i++) {
			bool is_theirs = who == 0   ? rules[i].owner == OWNER_OPENVPN_GROUP
					 : who == 1 ? rules[i].owner == OWNER_DRIVER_USER
					 : who == 3 ? rules[i].row == RULE_PORTAL_ROW
						    : rules[i].family == NET_IPV6;

			assert_int_equal(nft_is_left_out(&rules[i], &desired->features, &s),
					 is_theirs || rules[i].gateway == GATEWAY_ONLY ||
					     rules[i].uplink != UPLINK_ANY);
			left_out += is_theirs;
		}
		assert_true(left_out > 0);
	}
}

/* --- a gateway ------------------------------------------------------------------------ */

static size_t pieces_of(unsigned table)
{
	size_t count = 0;

	for (size_t i = 0; i < desired->count; i++)
		count += desired->pieces[i].table == table;
	return count;
}

/* Nothing of it stands without one; and what stands for one is made anew for the other. */
static void test_a_gateway_has_rules_of_its_own(void **state)
{
	size_t without;

	(void)state;
	assert_int_equal(nft_desired_rules(desired, &s, &e), 1);
	without = desired->count;
	assert_int_equal(pieces_of(NFT_BRIDGE), 0);
	for (unsigned i = 0; i < NFT_SETS; i++)
		assert_int_equal(nft_has_set(desired, i),
				 nft_gateway_of(&nft_sets[i]) != GATEWAY_ONLY && i != NFT_TUNNEL_LINKS);
	assert_true(nft_has_set(desired, NFT_CLAIMED) && nft_has_set(desired, NFT_ASKED));
	be_gateway();
	assert_int_equal(nft_desired_rules(desired, &s, &e), 1);
	assert_false(nft_has_set(desired, NFT_CLAIMED) || nft_has_set(desired, NFT_ASKED));
	assert_false(desired->messages.full);
	assert_true(desired->count > without + 30);
	assert_int_equal(pieces_of(NFT_BRIDGE), 4); /* table, set, chain, rule */
	assert_int_equal(nft_desired_rules(desired, &s, &e), 0);
	nft_desired_members(desired, &s);
	assert_int_equal(members("lan_side")->count, 2);
	assert_string_equal((const char *)members("lan_side")->list[1].key, "lan0123456789ab");
	assert_true(has(members("clients4"), "10.0.0.0", false));
	s.lan_side_count = 0;
	assert_int_equal(nft_desired_rules(desired, &s, &e), 1);
	assert_int_equal(desired->count, without);
	nft_desired_members(desired, &s);
	assert_int_equal(members("lan_side")->count, 0);
	assert_int_equal(members("clients4")->count, 0);
}

static void test_a_gateway_without_bridges(void **state)
{
	(void)state;
	be_gateway();
	desired->features.bridge = false;
	assert_int_equal(nft_desired_rules(desired, &s, &e), 1);
	assert_int_equal(pieces_of(NFT_BRIDGE), 0);
	assert_true(pieces_of(NFT_INET) > 0);
}

/* --- one object beside another ------------------------------------------------------ */

/* Offsets of the bytes of values, in the attributes that decide what an object does. */
static bool changes_when_flipped(struct nlmsghdr *copy, const struct nlmsghdr *wanted, size_t at)
{
	uint8_t *bytes = (uint8_t *)copy;
	bool same;

	bytes[at] ^= 0x10;
	same = nft_same_object(wanted, copy);
	bytes[at] ^= 0x10;
	return !same;
}

static void test_a_rule_with_a_byte_changed_is_another(void **state)
{
	static _Alignas(8) uint8_t room[NFT_MESSAGE];
	struct nlmsghdr *copy = (void *)room;
	size_t rules = 0;

	(void)state;
	assert_int_equal(nft_desired_rules(desired, &s, &e), 1);
	for (size_t i = 0; i < desired->count; i++) {
		const struct nlmsghdr *m = nft_piece_message(desired, &desired->pieces[i]);
		const struct nlattr *list = attributes_find(nft_attributes(m), NFTA_RULE_EXPRESSIONS);

		if (nft_type(m) != NFT_MSG_NEWRULE)
			continue;
		memcpy(copy, m, m->nlmsg_len);
		assert_true(nft_same_object(m, copy));
		for (const struct nlattr *x = attributes_first(attributes_inside(list)); x != NULL;
		     x = attributes_next(attributes_inside(list), x)) {
			const struct nlattr *name = attributes_find(attributes_inside(x), NFTA_EXPR_NAME);
			size_t at = (size_t)((const char *)mnl_attr_get_payload(name) - (const char *)m);

			assert_true(changes_when_flipped(copy, m, at));
			/* the last byte of its values */
			at = (size_t)((const char *)x - (const char *)m) + MNL_ALIGN(x->nla_len) - 4;
			if (strcmp(mnl_attr_get_str(name), "cmp") == 0)
				assert_true(changes_when_flipped(copy, m, at));
		}
		rules++;
	}
	assert_true(rules > 50);
}

static void test_members_come_back(void **state)
{
	static struct nft_elements back;

	(void)state;
	s.state = POLICY_DIALLING;
	s.lan = true;
	net_address_parse("192.0.2.53", &s.resolver);
	nft_desired_members(desired, &s);
	for (unsigned i = 0; i < NFT_SETS; i++) {
		const struct nft_elements *wanted = &desired->members[i];

		nft_buffer_empty(&batch);
		nft_put_members(&batch, &desired->features, i, wanted, false, nft_sets[i].timeout);
		back.count = 0;
		if (wanted->count != 0)
			assert_true(nft_parse_members(&back, &nft_sets[i], (const void *)batch.bytes));
		assert_true(nft_same_members(&back, wanted) && nft_are_wanted(&nft_sets[i], &back, wanted));
		if (wanted->count == 0)
			continue;
		back.list[0].key[0] ^= 1;
		assert_false(nft_are_wanted(&nft_sets[i], &back, wanted));
		back.list[0].key[0] ^= 1;
		back.count--; /* one with a time may have gone by itself */
		assert_int_equal(nft_are_wanted(&nft_sets[i], &back, wanted), nft_sets[i].timeout != 0);
	}
	assert_int_equal(members("resolver4")->count, 1);
}

static void test_a_member_that_outlives_its_time_is_not_ours(void **state)
{
	static struct nft_elements back;
	unsigned set = 4; /* resolver4 */

	(void)state;
	s.state = POLICY_DIALLING;
	net_address_parse("192.0.2.53", &s.resolver);
	nft_desired_members(desired, &s);
	assert_string_equal(nft_sets[set].name, "resolver4");
	nft_put_members(&batch, &desired->features, set, &desired->members[set], false,
			nft_sets[set].timeout + 1);
	assert_false(nft_parse_members(&back, &nft_sets[set], (const void *)batch.bytes));
	nft_buffer_empty(&batch);
	nft_put_members(&batch, &desired->features, set, &desired->members[set], false, 0); /* for ever */
	assert_false(nft_parse_members(&back, &nft_sets[set], (const void *)batch.bytes));
}

static void test_a_pause_is_over_with_the_next_policy(void **state)
{
	(void)state;
	nft_desired_pause(desired);
	assert_int_equal(members("paused")->count, 2);
	assert_int_equal(members("paused_links")->count, 8); /* whatever kind a frame is of */
	nft_desired_members(desired, &s);
	assert_int_equal(members("paused")->count, 0);
	assert_int_equal(members("paused_links")->count, 0);
}

static void test_the_link_of_a_refused_message(void **state)
{
	(void)state;
	desired->links[0] = (struct nft_link){.name = "eth0", .index = 3};
	desired->links[1] = (struct nft_link){.name = "eth1", .index = 4};
	desired->link_count = 2;
	assert_int_equal(nft_desired_rules(desired, &s, &e), 1);
	nft_desired_links(desired);
	assert_int_equal(
	    nft_link_of(desired, nft_piece_message(desired, &desired->pieces[desired->standing])), 0);
	assert_int_equal(
	    nft_link_of(desired, nft_piece_message(desired, &desired->pieces[desired->count - 1])), 1);
	assert_int_equal(
	    nft_link_of(desired, nft_piece_message(desired, &desired->pieces[desired->standing - 1])), -1);
}

static void test_a_full_buffer_says_so(void **state)
{
	struct nft_buffer small = {.bytes = batch.bytes, .size = NFT_MESSAGE + 64};

	(void)state;
	for (int i = 0; i < 10; i++)
		nft_message_end(&small, nft_message(&small, NFT_MSG_NEWTABLE, 0, NFPROTO_INET));
	assert_true(small.full);
	assert_true(small.used <= small.size);
	nft_buffer_empty(&small);
	nft_message_end(&small, nft_message(&small, NFT_MSG_NEWTABLE, 0, NFPROTO_INET));
	assert_false(small.full);
}

/* Attributes whose lengths lie end the list. */
static void test_torn_attributes_are_not_read(void **state)
{
	struct nlmsghdr *m = nft_message_of(&batch, &desired->features, NFT_INET, NFT_MSG_NEWCHAIN, 0);
	struct nlattr *first;

	(void)state;
	mnl_attr_put_strz(m, NFTA_CHAIN_NAME, "out");
	assert_string_equal(nft_text(m, NFTA_CHAIN_NAME), "out");
	first = mnl_nlmsg_get_payload_offset(m, sizeof(struct nfgenmsg));
	first->nla_len = UINT16_MAX;
	assert_string_equal(nft_text(m, NFTA_CHAIN_NAME), "");
	first->nla_len = 1;
	assert_string_equal(nft_text(m, NFTA_TABLE_NAME), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_every_set_has_a_name, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_no_name_is_a_word_of_nft, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_intervals_end_behind_their_prefix, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_members_follow_the_state, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_rules_fit_and_are_made_once, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_one_chain_for_every_link, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_an_unknown_identity_is_refused, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_a_message_is_described, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_every_rule_compiles, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_rules_of_nobody_are_left_out, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_a_gateway_has_rules_of_its_own, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_a_gateway_without_bridges, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_a_rule_with_a_byte_changed_is_another, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_members_come_back, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_a_member_that_outlives_its_time_is_not_ours, setup,
					    teardown),
	    cmocka_unit_test_setup_teardown(test_a_pause_is_over_with_the_next_policy, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_the_link_of_a_refused_message, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_a_full_buffer_says_so, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_torn_attributes_are_not_read, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
