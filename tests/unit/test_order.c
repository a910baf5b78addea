/* Whose turn it is: rounds, families, ranks, and a random order that is one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <string.h>

#include "base/net.h"
#include "tunnel/order.h"

enum { MANY = 64 };

static struct order_entry entries[MANY];
static struct order order;

/* Each a family: "6", "4"; "4-" is a late one. */
static void begin(const char *words)
{
	memset(entries, 0, sizeof entries);
	memset(&order, 0, sizeof order);
	order.entries = entries;
	for (const char *at = words; *at != '\0'; at++) {
		struct order_entry *last = &entries[order.count];

		if (*at == '4' || *at == '6')
			entries[order.count++] = (struct order_entry){.family = (uint8_t)(*at - '0'),
								      .remote = (uint32_t)order.count};
		else
			last[-1].late = true;
	}
}

/* The numbers picked in turn, each of them silent; "." where a round ends. */
static void picks(const char *wanted)
{
	char text[256] = "";

	for (size_t i = 0; i < strlen(wanted) && strlen(text) < strlen(wanted); i++) {
		assert_true(order_next(&order));
		snprintf(text + strlen(text), sizeof text - strlen(text), "%zu%s", order.at,
			 order_left(&order) == 0 ? "." : "");
		order_answered(&order, false);
	}
	assert_string_equal(text, wanted);
}

static void test_rounds(void **state)
{
	(void)state;
	begin("");
	assert_false(order_next(&order));
	assert_false(order_again(&order));
	assert_int_equal(order_left(&order), 0);
	begin("4");
	assert_int_equal(order_left(&order), 1);
	picks("0.0.0.");
	begin("444");
	picks("012.012.0");
	/* After the same one again all the others are left. */
	assert_true(order_again(&order));
	assert_int_equal(order.at, 0);
	assert_int_equal(order_left(&order), 2);
	picks("12.0");
	/* None was there yet to be the same. */
	begin("44");
	assert_true(order_again(&order));
	assert_int_equal(order.at, 0);
	assert_int_equal(order_left(&order), 1);
	picks("1.01.");
}

/* A family that was silent waits until the other had its turn. */
static void test_families(void **state)
{
	(void)state;
	begin("66664");
	picks("04123.40123.");
	begin("64644");
	picks("01234.01234.");
	begin("44446666");
	picks("04152637.");
	begin("4444");
	picks("0123.");
	/* One that has answered is followed by the next as it stands. */
	begin("664");
	assert_true(order_next(&order));
	order_answered(&order, true);
	assert_true(order_next(&order));
	assert_int_equal(order.at, 1);
	order_answered(&order, false);
	picks("2.0");
	/* Before the first pick nobody was silent. */
	begin("64");
	order_answered(&order, false);
	assert_int_equal(order.silent, NET_NONE);
	picks("01.");
}

static void test_late_ones(void **state)
{
	(void)state;
	begin("4-44-4");
	picks("1302.1302.");
	/* They are last whatever their family, and among them as ever. */
	begin("6-6-44-");
	picks("2031.");
	begin("4-4-");
	picks("01.01.");
}

/* What lies with the server, and nothing else. */
static void test_failures(void **state)
{
	static const bool failed[TUNNEL_EVENTS] = {[TUNNEL_UNREACHABLE] = true,
						   [TUNNEL_CONNECT_ERRORS] = true,
						   [TUNNEL_RESTART] = true,
						   [TUNNEL_EXITED] = true,
						   [TUNNEL_TIMER] = true};
	static const bool dials[TUNNEL_STATES] = {
	    [TUNNEL_CONNECTING] = true, [TUNNEL_AUTHENTICATING] = true, [TUNNEL_CONFIGURING] = true};

	(void)state;
	for (int tunnel = 0; tunnel < TUNNEL_STATES; tunnel++) {
		for (int event = 0; event < TUNNEL_EVENTS; event++)
			assert_int_equal(order_is_failure(tunnel, event), dials[tunnel] && failed[event]);
	}
}

static void test_remotes(void **state)
{
	(void)state;
	begin("44444");
	entries[3].remote = entries[0].remote;
	order_pass_remote(&order); /* none has been picked yet */
	assert_int_equal(order_left(&order), 5);
	assert_true(order_next(&order));
	order_pass_remote(&order);
	assert_int_equal(order_left(&order), 3);
	picks("124.0123");
}

/* To which no way leads, that is passed over, and is not one of those that are left. */
static void test_ways(void **state)
{
	(void)state;
	begin("646");
	order.no_way6 = true;
	assert_int_equal(order_left(&order), 1);
	picks("1.1.");
	order.no_way6 = false;
	order.no_way4 = true;
	assert_true(order_again(&order));
	assert_int_equal(order.at, 0);
	assert_int_equal(order_left(&order), 1);
	order.no_way6 = true;
	assert_false(order_again(&order));
	assert_false(order_next(&order));
	assert_int_equal(order_left(&order), 0);
	order.no_way4 = order.no_way6 = false;
	picks("012.");
}

/* Equal seeds give equal orders, others others; every remote is first now and then, and none is lost. */
static void test_random(void **state)
{
	unsigned first[8] = {0};

	(void)state;
	for (uint64_t seed = 0; seed < 800; seed++) {
		bool seen[8] = {false};

		begin("44444444");
		for (uint32_t i = 0; i < 8; i++) {
			entries[i].place = order_random_place(seed, i);
			assert_int_equal(entries[i].place, order_random_place(seed, i));
		}
		for (size_t i = 0; i < 8; i++) {
			assert_true(order_next(&order));
			assert_false(seen[order.at]);
			seen[order.at] = true;
			first[order.at] += i == 0;
		}
		assert_int_equal(order_left(&order), 0);
	}
	for (size_t i = 0; i < 8; i++)
		assert_true(first[i] > 60 && first[i] < 140);
	assert_int_not_equal(order_random_place(1, 0), order_random_place(2, 0));
}

/* The places are splitmix64's numbers, of which a change would spoil the spread: its published ones for this
 * seed. */
static void test_the_generator(void **state)
{
	static const uint64_t published[] = {6457827717110365317u, 3203168211198807973u, 9817491932198370423u,
					     4593380528125082431u, 16408922859458223821u};

	(void)state;
	for (uint32_t i = 0; i < sizeof published / sizeof published[0]; i++)
		assert_int_equal(order_random_place(1234567, i), published[i] >> 32);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_rounds),   cmocka_unit_test(test_the_generator),
	    cmocka_unit_test(test_families), cmocka_unit_test(test_late_ones),
	    cmocka_unit_test(test_failures), cmocka_unit_test(test_remotes),
	    cmocka_unit_test(test_ways),     cmocka_unit_test(test_random)};

	return cmocka_run_group_tests_name("order", tests, NULL, NULL);
}
