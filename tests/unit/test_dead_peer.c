/* When a silent server is dead: never before its limit, and by a tenth of it later at most; and what counts
 * instead where it sends no pings, and after a change of the network. */
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
			dead_peer_heard(&peer, 1000 + (uint64_t)((now < last ? now : last) / every) * 40);
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

static struct dead_peer peer;
static uint64_t bytes;

/* So many looks, before each of which programs send or the server answers. True: it is dead at the last of
 * them, and was not before. */
static bool looks(int count, bool sends, bool answers)
{
	for (int i = 1; i <= count; i++) {
		bytes++;
		if (sends)
			dead_peer_sent(&peer, bytes);
		if (answers)
			dead_peer_heard(&peer, bytes);
		if (dead_peer_look(&peer)) {
			assert_int_equal(i, count);
			return true;
		}
	}
	return false;
}

static void test_nothing_is_connected(void **state)
{
	(void)state;
	peer = (struct dead_peer){.active = false};
	assert_int_equal(dead_peer_interval_ms(&peer), 0);
	dead_peer_hurry(&peer);
	assert_int_equal(dead_peer_interval_ms(&peer), 0);
	assert_int_equal(peer.hurry, 0);
}

/* It may be silent for ever, but not while programs send. */
static void test_a_server_that_sends_no_pings(void **state)
{
	(void)state;
	dead_peer_begin(&peer, 0);
	assert_int_equal(dead_peer_interval_ms(&peer), DEAD_PEER_MUTE * 100);
	assert_false(looks(1000, false, false));
	assert_false(looks(1000, true, true));
	assert_false(looks(8, true, false));
	assert_int_equal(dead_peer_unanswered(&peer), 24);
	assert_true(looks(1, true, false));
	/* Long silence before counts for nothing. */
	dead_peer_begin(&peer, 0);
	assert_false(looks(1000, false, false));
	assert_false(looks(8, true, false));
	assert_true(looks(1, true, false));
	/* Nor do a few packets that want no answer. */
	dead_peer_begin(&peer, 0);
	assert_false(looks(4, true, false));
	assert_false(looks(1000, false, false));
	assert_true(looks(1, true, false));
	/* Sent is what is more than before, whenever it was told. */
	dead_peer_begin(&peer, 0);
	dead_peer_sent(&peer, 7);
	for (int i = 0; i < 100; i++) {
		assert_false(dead_peer_look(&peer));
		dead_peer_sent(&peer, 7);
	}
	for (uint64_t i = 1; i < 4; i++) {
		assert_false(dead_peer_look(&peer));
		dead_peer_sent(&peer, 7 + i);
		dead_peer_sent(&peer, 7 + i); /* told twice */
	}
	assert_int_equal(peer.tried, 3);
	/* A single answer is enough. */
	dead_peer_begin(&peer, 0);
	assert_false(looks(8, true, false));
	assert_false(looks(1, false, true));
	assert_int_equal(dead_peer_unanswered(&peer), 0);
	assert_false(looks(8, true, false));
	assert_true(looks(1, true, false));
}

/* After a change of the network it takes five seconds, if programs send; an answer ends the hurry. */
static void test_a_change_of_the_network(void **state)
{
	static const uint32_t limits[] = {0, 10, 60};

	(void)state;
	for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
		uint32_t interval = limits[i] == 0 ? 3000 : limits[i] * 100;

		dead_peer_begin(&peer, limits[i]);
		assert_false(looks(4, true, false));
		dead_peer_heard(&peer, ++bytes); /* from before */
		dead_peer_hurry(&peer);
		assert_int_equal(dead_peer_interval_ms(&peer), 1000);
		assert_false(looks(4, true, false));
		assert_int_equal(dead_peer_unanswered(&peer), 4);
		assert_true(looks(DEAD_PEER_CHANGED - 4, true, false));
		dead_peer_begin(&peer, limits[i]);
		dead_peer_hurry(&peer);
		assert_false(looks(4, true, false));
		assert_false(looks(1, true, true));
		assert_int_equal(dead_peer_interval_ms(&peer), interval);
		assert_false(looks(4, true, false));
		/* Nobody sends: then it is as before, and the time counts. */
		dead_peer_begin(&peer, limits[i]);
		dead_peer_hurry(&peer);
		assert_false(looks(14, false, false));
		assert_int_equal(dead_peer_interval_ms(&peer), 1000);
		assert_false(looks(1, false, false));
		assert_int_equal(dead_peer_interval_ms(&peer), interval);
	}
	dead_peer_begin(&peer, 60);
	dead_peer_hurry(&peer);
	assert_false(looks(15 + 6, false, false)); /* 15 s of 54 */
	assert_true(looks(1, false, false));
}

/* While no way leads to the server, nothing can come, and nothing counts. */
static void test_away(void **state)
{
	(void)state;
	dead_peer_begin(&peer, 60);
	assert_false(looks(8, true, false));
	dead_peer_away(&peer, true);
	assert_false(looks(1000, true, false));
	assert_int_equal(dead_peer_unanswered(&peer), 0);
	dead_peer_away(&peer, false);
	assert_false(looks(8, true, false));
	dead_peer_away(&peer, false); /* that is no news */
	assert_true(looks(1, true, false));
}

/* A machine that stood still misses the time, and no look; a count that is told for another reason counts. */
static void test_what_counts(void **state)
{
	(void)state;
	dead_peer_begin(&peer, 10);
	for (int i = 0; i < 100; i++) {
		assert_false(dead_peer_look(&peer));
		if (i % 9 == 0)
			dead_peer_heard(&peer, (uint64_t)i + 1);
		dead_peer_heard(&peer, (uint64_t)i - (uint64_t)i % 9 + 1);
	}
	dead_peer_begin(&peer, 10);
	assert_int_equal(peer.silent + peer.tried, 0);
	assert_int_equal(peer.heard + peer.sent, 0);
	assert_false(looks(2, true, false));
	assert_int_equal(dead_peer_unanswered(&peer), 0); /* too few to tell */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_the_limit),
	    cmocka_unit_test(test_nothing_is_connected),
	    cmocka_unit_test(test_a_server_that_sends_no_pings),
	    cmocka_unit_test(test_a_change_of_the_network),
	    cmocka_unit_test(test_away),
	    cmocka_unit_test(test_what_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
