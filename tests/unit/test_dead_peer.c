/* When a silent server is dead: never before its limit, and by a tenth of it later at most. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "between.h"
#include "driver/dead_peer.h"

/* A server whose last packet comes `last` ms after the beginning, and one every `every` ms before. Returns
 * when it is declared dead, or -1: not within ten limits. Each look is answered if `answered`. */
static int64_t dead_after(uint32_t limit, int64_t every, int64_t last, bool answered)
{
	struct dead_peer peer;

	dead_peer_begin(&peer, limit);
	assert_int_equal(dead_peer_interval_ms(&peer), limit * 100);
	for (int64_t now = limit * 100; now <= (int64_t)limit * 10000; now += limit * 100) {
		if (dead_peer_look(&peer))
			return now;
		if (answered)
			dead_peer_count(&peer, 1000 + (uint64_t)((now < last ? now : last) / every) * 40);
	}
	return -1;
}

static void test_the_limit(void **state)
{
	static const uint32_t limits[] = {10, 30, 60, 120};

	(void)state;
	for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
		int64_t limit = limits[i] * 1000;

		for (int64_t last = 0; last < limit; last += 100) {
			int64_t dead = dead_after(limits[i], 100, last, true);

			assert_true(dead >= last + limit && dead <= last + limit + limit / 10);
		}
		/* It pings, if only just often enough. */
		assert_int_equal(dead_after(limits[i], limit - limit / 10, INT64_MAX, true), -1);
		/* openvpn itself does not answer: it counts as long. */
		assert_between(dead_after(limits[i], 1, INT64_MAX, false), limit - limit / 10, limit);
	}
}

/* It may be silent. */
static void test_no_limit(void **state)
{
	struct dead_peer peer;

	(void)state;
	dead_peer_begin(&peer, 0);
	assert_int_equal(dead_peer_interval_ms(&peer), 0);
}

/* A machine that stood still misses the time, and no look; a count that is told for another reason counts. */
static void test_what_counts(void **state)
{
	struct dead_peer peer;

	(void)state;
	dead_peer_begin(&peer, 10);
	for (int i = 0; i < 100; i++) {
		assert_false(dead_peer_look(&peer));
		if (i % 9 == 0)
			dead_peer_count(&peer, (uint64_t)i + 1);
		dead_peer_count(&peer, (uint64_t)i - (uint64_t)i % 9 + 1);
	}
	dead_peer_begin(&peer, 10);
	assert_int_equal(peer.silent, 0);
	assert_int_equal(peer.in, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_the_limit),
	    cmocka_unit_test(test_no_limit),
	    cmocka_unit_test(test_what_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
