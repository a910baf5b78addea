/* The members of sets: what a situation makes of them, and what a kernel's answer must look like to be one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <linux/netfilter/nf_tables.h>

#include "os/firewall/nft/sets.h"
#include "policy_cases.h"

static struct {
	struct nft_elements elements;
	uint8_t behind[64];
} whole;
static struct nft_elements *const elements = &whole.elements;
static _Alignas(8) uint8_t room[2 * NFT_MESSAGE];
static struct nft_buffer buffer;
static struct situation s;

static int begin(void **state)
{
	(void)state;
	memset(&whole, 0, sizeof whole);
	buffer = (struct nft_buffer){.bytes = room, .size = sizeof room};
	s = situation_named("open");
	s.tunnel.network_count = 0;
	return 0;
}

static const struct nft_set *set_named(const char *name)
{
	const struct nft_set *set = nft_sets;

	while (strcmp(set->name, name) != 0)
		set++;
	return set;
}

/* --- in a situation --------------------------------------------------------------- */

/* The first address behind a prefix: NULL none. */
static void test_behind_a_prefix(void **state)
{
	static const struct {
		const char *prefix, *behind;
	} rows[] = {{"10.128.0.0/9", "11.0.0.0"},
		    {"10.0.0.0/8", "11.0.0.0"},
		    {"10.255.128.0/17", "11.0.0.0"},
		    {"10.0.255.255/32", "10.1.0.0"},
		    {"10.0.0.4/30", "10.0.0.8"},
		    {"0.0.0.0/1", "128.0.0.0"},
		    {"128.0.0.0/1", NULL},
		    {"255.255.255.255/32", NULL},
		    {"0.0.0.0/0", NULL},
		    {"::/0", NULL},
		    {"fd00:0:0:1::/64", "fd00:0:0:2::"},
		    {"fd00::ff00/121", "fd00::ff80"},
		    {"ffff::/16", NULL},
		    {"fd00:ffff:ffff::/48", "fd01::"}};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct net_address behind;
		bool is_ipv4 = strchr(rows[i].prefix, ':') == NULL;

		must(net_prefix_parse(rows[i].prefix, &s.tunnel.networks[0]));
		s.tunnel.network_count = 1;
		nft_members(elements, set_named(is_ipv4 ? "tunnel_networks4" : "tunnel_networks6"), &s);
		assert_int_equal(elements->count, rows[i].behind == NULL ? 1 : 2);
		assert_false(elements->list[0].end);
		assert_memory_equal(elements->list[0].key, s.tunnel.networks[0].address.bytes,
				    is_ipv4 ? 4 : 16);
		if (rows[i].behind == NULL)
			continue;
		must(net_address_parse(rows[i].behind, &behind));
		assert_true(elements->list[1].end);
		assert_memory_equal(elements->list[1].key, behind.bytes, is_ipv4 ? 4 : 16);
	}
}

static void test_users(void **state)
{
	static const struct {
		struct identity user;
		size_t count;
	} rows[] = {{{.known = true, .number = 65}, 2},
		    {{.known = false, .number = 65}, 1},
		    {{.known = true, .number = 0}, 1}};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		s.dhcp_user = rows[i].user;
		nft_members(elements, set_named("dhcp_users"), &s);
		assert_int_equal(elements->count, rows[i].count);
		assert_memory_equal(elements->list[0].key, &(uint32_t){0}, 4); /* root always */
		if (rows[i].count == 2)
			assert_memory_equal(elements->list[1].key, &(uint32_t){65}, 4);
	}
}

static void test_the_tunnel(void **state)
{
	static const uint8_t kind[] = {'t', 'u', 'n', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};

	(void)state;
	s.tunnel.index = 0x01020304;
	nft_members(elements, set_named("tunnel_link"), &s);
	assert_int_equal(elements->count, 1);
	assert_memory_equal(elements->list[0].key, &s.tunnel.index, 4);
	assert_memory_equal(elements->list[0].key + 4, kind, sizeof kind);
	s.state = POLICY_DIALLING;
	nft_members(elements, set_named("tunnel_link"), &s);
	assert_int_equal(elements->count, 0);
}

/* Protocol and port, each in four bytes. */
static void test_a_portal(void **state)
{
	static const uint8_t http[8] = {6, 0, 0, 0, 0, 80}, tls[8] = {6, 0, 0, 0, 1, 187},
			     dns_tcp[8] = {6, 0, 0, 0, 0, 53}, dns_udp[8] = {17, 0, 0, 0, 0, 53};

	(void)state;
	s = situation_named("locked-portal");
	s.portal.until = 0;
	nft_members(elements, set_named("portal"), &s);
	assert_int_equal(elements->count, 0);
	s.portal.until = 1;
	nft_members(elements, set_named("portal"), &s);
	assert_int_equal(elements->count, 4);
	assert_memory_equal(elements->list[0].key, http, sizeof http);
	assert_memory_equal(elements->list[1].key, tls, sizeof tls);
	assert_memory_equal(elements->list[2].key, dns_tcp, sizeof dns_tcp);
	assert_memory_equal(elements->list[3].key, dns_udp, sizeof dns_udp);
	nft_members(elements, set_named("portal_any"), &s);
	assert_int_equal(elements->count, 0);
	s.portal.any = true;
	nft_members(elements, set_named("portal_any"), &s);
	assert_int_equal(elements->count, 2);
	assert_memory_equal(elements->list[1].key, tls, sizeof tls);
	s.portal.group.known = false;
	s.portal.group.name[0] = '\0';
	nft_members(elements, set_named("portal"), &s);
	assert_int_equal(elements->count, 0);
	s.portal.group.known = true;
	s.state = POLICY_OPEN;
	nft_members(elements, set_named("portal"), &s);
	assert_int_equal(elements->count, 0);
	nft_members(elements, set_named("portal_any"), &s);
	assert_int_equal(elements->count, 0);
}

static void test_no_room(void **state)
{
	static const uint8_t key[NFT_KEY] = {1};

	(void)state;
	for (size_t i = 0; i < NFT_ELEMENTS + 2; i++)
		nft_add_element(elements, key, sizeof key, true);
	assert_int_equal(elements->count, NFT_ELEMENTS);
	for (size_t i = 0; i < sizeof whole.behind; i++)
		assert_int_equal(whole.behind[i], 0);
}

/* --- read back -------------------------------------------------------------------- */

struct told {
	size_t size; /* of its key; 0: it has none */
	uint32_t flags;
	uint64_t timeout;
	uint16_t foreign; /* an attribute; 0: none */
	bool has_no_value;
};

static void put_element(struct nlmsghdr *m, const struct told *told)
{
	static const uint8_t bytes[2 * NFT_KEY] = {9};
	struct nlattr *nest = nft_nest_begin(m, NFTA_LIST_ELEM);

	if (told->flags != 0)
		nft_put_be32(m, NFTA_SET_ELEM_FLAGS, told->flags);
	if (told->timeout != 0)
		nft_put_be64(m, NFTA_SET_ELEM_TIMEOUT, told->timeout);
	if (told->has_no_value)
		nft_nest_end(m, nft_nest_begin(m, NFTA_SET_ELEM_KEY));
	else if (told->size != 0)
		nft_put_data(m, NFTA_SET_ELEM_KEY, bytes, told->size);
	if (told->foreign != 0)
		nft_put_be32(m, told->foreign, 1);
	nft_nest_end(m, nest);
}

static bool parse(const char *set, const struct told *told, size_t count)
{
	struct nlmsghdr *m;
	struct nlattr *list;

	nft_buffer_empty(&buffer);
	m = nft_message(&buffer, NFT_MSG_NEWSETELEM, 0, 1);
	list = nft_nest_begin(m, NFTA_SET_ELEM_LIST_ELEMENTS);
	for (size_t i = 0; i < count; i++)
		put_element(m, &told[i]);
	nft_nest_end(m, list);
	nft_message_end(&buffer, m);
	elements->count = 0;
	return nft_parse_members(elements, set_named(set), m);
}

/* One that we would not put there is no member of ours, and is not counted. */
static void test_what_is_no_member(void **state)
{
	static const struct told good = {.size = 4},
				 others[] = {{.size = 0},
					     {.size = 3},
					     {.size = 5},
					     {.has_no_value = true},
					     {.size = 4, .foreign = NFTA_SET_ELEM_DATA},
					     {.size = 4, .foreign = NFTA_SET_ELEM_EXPR},
					     {.size = 4, .foreign = NFTA_SET_ELEM_OBJREF},
					     {.size = 4, .foreign = NFTA_SET_ELEM_KEY_END},
					     {.size = 4, .foreign = NFTA_SET_ELEM_EXPRESSIONS}};

	(void)state;
	assert_true(parse("lan4", &good, 1));
	assert_int_equal(elements->count, 1);
	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
		assert_false(parse("lan4", &others[i], 1));
		assert_int_equal(elements->count, 0);
		assert_false(parse("lan4", (struct told[]){others[i], good}, 2));
		assert_false(parse("lan4", (struct told[]){good, others[i]}, 2));
		assert_int_equal(elements->count, 1);
	}
	assert_true(parse("lan4", &(struct told){.size = 4, .timeout = 5}, 1)); /* its own affair */
}

static void test_times(void **state)
{
	static const struct {
		uint64_t timeout;
		bool is_ours;
	} rows[] = {{0, false}, {1, true}, {10000, true}, {10001, false}, {UINT64_MAX, false}};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		assert_int_equal(parse("resolver4", &(struct told){.size = 4, .timeout = rows[i].timeout}, 1),
				 rows[i].is_ours);
		assert_int_equal(elements->count, rows[i].is_ours);
	}
}

static void test_ends(void **state)
{
	static const struct told told[] = {{.size = 4},
					   {.size = 4, .flags = NFT_SET_ELEM_INTERVAL_END},
					   {.size = 4, .flags = 0x2 /* NFT_SET_ELEM_CATCHALL */},
					   {.size = 4, .flags = 0x3}};

	(void)state;
	assert_true(parse("lan4", told, 4));
	assert_int_equal(elements->count, 4);
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(elements->list[i].end, i % 2 == 1);
		assert_int_equal(elements->list[i].key[0], 9);
	}
}

static void test_how_many(void **state)
{
	static const struct told good = {.size = 4};
	struct nlmsghdr *m = nft_message(&buffer, NFT_MSG_NEWSETELEM, 0, 1);

	(void)state;
	assert_true(nft_parse_members(elements, set_named("lan4"), m)); /* none */
	assert_int_equal(elements->count, 0);
	assert_true(parse("lan4", &good, 1));
	for (size_t i = 1; i < NFT_ELEMENTS; i++)
		assert_true(nft_parse_members(elements, set_named("lan4"), (void *)room));
	assert_false(nft_parse_members(elements, set_named("lan4"), (void *)room));
	assert_int_equal(elements->count, NFT_ELEMENTS);
}

/* --- one beside another ----------------------------------------------------------- */

static void test_wanted(void **state)
{
	static struct nft_elements wanted, actual;
	static const uint8_t keys[][4] = {{1}, {2}, {3}};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		nft_add_element(&wanted, keys[i], 4, false);
		nft_add_element(&actual, keys[1 - i], 4, false); /* in any order */
	}
	assert_true(nft_are_wanted(set_named("lan4"), &actual, &wanted));
	assert_false(nft_same_members(&actual, &wanted));
	assert_true(nft_same_members(&wanted, &wanted));
	actual.count = 1;
	assert_false(nft_are_wanted(set_named("lan4"), &actual, &wanted));
	assert_false(nft_same_members(&actual, &wanted));
	assert_true(nft_are_wanted(set_named("resolver4"), &actual, &wanted));
	nft_add_element(&actual, keys[2], 4, false);
	assert_false(nft_are_wanted(set_named("lan4"), &actual, &wanted));
	assert_false(nft_are_wanted(set_named("resolver4"), &actual, &wanted));
	actual = wanted;
	actual.list[1].end = true;
	assert_false(nft_are_wanted(set_named("lan4"), &actual, &wanted) ||
		     nft_same_members(&actual, &wanted));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(test_behind_a_prefix, begin),
	    cmocka_unit_test_setup(test_users, begin),
	    cmocka_unit_test_setup(test_the_tunnel, begin),
	    cmocka_unit_test_setup(test_a_portal, begin),
	    cmocka_unit_test_setup(test_no_room, begin),
	    cmocka_unit_test_setup(test_what_is_no_member, begin),
	    cmocka_unit_test_setup(test_times, begin),
	    cmocka_unit_test_setup(test_ends, begin),
	    cmocka_unit_test_setup(test_how_many, begin),
	    cmocka_unit_test_setup(test_wanted, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
