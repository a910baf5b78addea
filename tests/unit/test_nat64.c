/* IPv4 addresses inside IPv6 ones: the examples of RFC 6052, there and back, and nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/nat64.h"

static struct net_prefix prefix_of(const char *text)
{
	struct net_prefix prefix;

	assert_int_equal(net_prefix_parse(text, &prefix), 0);
	return prefix;
}

static struct net_address address_of(const char *text)
{
	struct net_address address;

	assert_int_equal(net_address_parse(text, &address), 0);
	return address;
}

/* 192.0.2.33, as RFC 6052 has it in 2.4. */
static const struct {
	const char *prefix, *address;
} examples[] = {{"2001:db8::/32", "2001:db8:c000:221::"},
		{"2001:db8:100::/40", "2001:db8:1c0:2:21::"},
		{"2001:db8:122::/48", "2001:db8:122:c000:2:2100::"},
		{"2001:db8:122:300::/56", "2001:db8:122:3c0:0:221::"},
		{"2001:db8:122:344::/64", "2001:db8:122:344:c0:2:2100::"},
		{"2001:db8:122:344::/96", "2001:db8:122:344::c000:221"},
		{"64:ff9b::/96", "64:ff9b::c000:221"}};

static void test_the_examples(void **state)
{
	const struct net_address four = address_of("192.0.2.33");

	(void)state;
	for (size_t i = 0; i < sizeof examples / sizeof *examples; i++) {
		struct net_prefix prefix = prefix_of(examples[i].prefix);
		struct net_address six = nat64_embed(&prefix, &four), back = {.family = NET_NONE};
		const struct net_address wanted = address_of(examples[i].address);

		assert_true(nat64_is_prefix(&prefix));
		assert_true(net_address_equal(&six, &wanted));
		assert_true(nat64_extract(&prefix, &six, &back));
		assert_true(net_address_equal(&back, &four));
		/* Whatever other bit is set, it is no such address, or another server's. */
		for (size_t bit = 0; bit < 128; bit++) {
			struct net_address other = six, found = four;

			other.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
			if (nat64_extract(&prefix, &other, &found))
				assert_false(net_address_equal(&found, &four));
			else
				assert_true(net_address_equal(&found, &four));
		}
	}
	assert_true(net_address_equal(&nat64_well_known.address,
				      &(struct net_address){NET_IPV6, {0, 0x64, 0xff, 0x9b}}));
	assert_int_equal(nat64_well_known.length, 96);
	assert_true(nat64_is_prefix(&nat64_well_known));
}

static void test_what_is_none(void **state)
{
	static const char *const wrong[] = {"2001:db8::/33",  "2001:db8::/72", "2001:db8::/95",
					    "2001:db8::/128", "2001:db8::/24", "192.0.2.0/32",
					    "192.0.2.0/24",   "ff02::/96",     "fe80::/64",
					    "::/96",          "::ffff:0:0/96", "2001:db8:0:0:100::/96"};
	const struct net_address six = address_of("64:ff9b::c000:221"), four = address_of("192.0.2.33");
	const struct net_prefix none = {.length = 0};
	struct net_prefix unclean = nat64_well_known;
	struct net_address found = four;

	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		struct net_prefix prefix = prefix_of(wrong[i]);

		assert_false(nat64_is_prefix(&prefix));
		assert_false(nat64_extract(&prefix, &six, &found));
	}
	unclean.address.bytes[15] = 1;
	assert_false(nat64_is_prefix(&unclean));
	assert_false(nat64_is_prefix(&none));
	assert_false(nat64_extract(&none, &six, &found));
	assert_false(nat64_extract(&nat64_well_known, &four, &found));
	assert_true(net_address_equal(&found, &four));
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_the_examples),
					   cmocka_unit_test(test_what_is_none)};

	return cmocka_run_group_tests_name("nat64", tests, NULL, NULL);
}
