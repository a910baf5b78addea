/* What the nft firewall wants to stand: set members and messages, without a kernel. */
#include "os/firewall_nft_rules.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <linux/netfilter/nf_tables.h>

static struct nft_wish *wish;
static struct situation s;

static int setup(void **state)
{
	(void)state;
	wish = calloc(1, sizeof *wish);
	wish->messages.size = 256 * 1024;
	wish->messages.bytes = calloc(1, wish->messages.size);
	wish->features = (struct firewall_features){true, true, true};
	memset(&s, 0, sizeof s);
	s.openvpn_group = (struct identity){.known = true, .number = 4242};
	s.driver_user = (struct identity){.known = true, .number = 4343};
	net_endpoint_parse("192.0.2.7:1194/udp", &s.endpoint);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	free(wish->messages.bytes);
	free(wish);
	return 0;
}

static const struct nft_elements *members(const char *name)
{
	for (unsigned i = 0; i < NFT_SETS; i++)
		if (strcmp(nft_sets[i].name, name) == 0)
			return &wish->want[i];
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
}

static void test_intervals_end_behind_their_prefix(void **state)
{
	const struct nft_elements *servers = members("dhcp_servers4"), *lan = members("lan6");

	(void)state;
	s.lan = true;
	nft_wish_elements(wish, &s);
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
	nft_wish_elements(wish, &s);
	assert_int_equal(members("endpoint4")->count, 0);
	assert_int_equal(members("tunnel")->count, 0);
	s.state = POLICY_DIALLING;
	nft_wish_elements(wish, &s);
	assert_int_equal(members("endpoint4")->count, 1);
	assert_memory_equal(members("endpoint4")->list[0].key, endpoint, sizeof endpoint);
	assert_int_equal(members("endpoint6")->count, 0);
	s.state = POLICY_OPEN;
	nft_wish_elements(wish, &s);
	assert_int_equal(members("tunnel")->count, 1);
	assert_memory_equal(members("tunnel")->list[0].key, &s.tunnel.index, sizeof s.tunnel.index);
	assert_int_equal(members("paused")->count, 0);
}

static void test_rules_fit_and_are_made_once(void **state)
{
	struct err e = {""};
	size_t standing;

	(void)state;
	assert_int_equal(nft_wish_rules(wish, &s, &e), 1);
	assert_false(wish->messages.full);
	standing = wish->standing;
	assert_int_equal(nft_wish_rules(wish, &s, &e), 0);
	for (size_t i = 0; i < SITUATION_LINKS; i++)
		wish->links[i] = (struct nft_link){.name = "eth", .index = (unsigned)i + 1};
	wish->link_count = SITUATION_LINKS;
	nft_wish_links(wish);
	assert_false(wish->messages.full);
	assert_int_equal(wish->count, standing + 3 * (size_t)SITUATION_LINKS);
	wish->link_count = 1;
	nft_wish_links(wish);
	assert_int_equal(wish->count, standing + 3);
	s.openvpn_group.number = 4244;
	assert_int_equal(nft_wish_rules(wish, &s, &e), 1);
	assert_int_equal(wish->count, standing);
}

static void test_an_unknown_identity_is_refused(void **state)
{
	struct err e = {""};

	(void)state;
	s.openvpn_group = (struct identity){.known = false, .name = "_nobody_here"};
	assert_int_equal(nft_wish_rules(wish, &s, &e), -1);
	assert_non_null(strstr(e.text, "_nobody_here"));
}

static void test_a_message_is_described(void **state)
{
	struct err e = {""};
	char text[64];

	(void)state;
	assert_int_equal(nft_wish_rules(wish, &s, &e), 1);
	nft_describe(nft_piece_message(wish, &wish->pieces[1]), text, sizeof text);
	assert_string_equal(text, "counter blocked");
	nft_describe(nft_piece_message(wish, &wish->pieces[2]), text, sizeof text);
	assert_string_equal(text, "set endpoint4");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_every_set_has_a_name, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_intervals_end_behind_their_prefix, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_members_follow_the_state, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_rules_fit_and_are_made_once, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_an_unknown_identity_is_refused, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_a_message_is_described, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
