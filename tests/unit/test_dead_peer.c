/* When a silent server is dead: never before its limit, and by a tenth of it later at most, by four tenths if
 * no program has sent; and what counts instead where it sends no pings, and after a change of the network. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "driver/dead_peer.h"

/* How a look is answered, if at all, and whether programs send before each. */
enum { DEAF = 1, BUSY = 2 };

/* A server that sends one packet every `every` ms, and none after `last`, in ms after the beginning. Returns
 * when it is declared dead, or -1: not within ten limits. */
static int64_t dead_after(uint32_t limit, int64_t every, int64_t last, int how)
{
	struct dead_peer peer;
	uint64_t sent = 0;

	dead_peer_begin(&peer, limit);
	for (int64_t now = 0; now <= (int64_t)limit * 10000;) {
		now += dead_peer_interval_ms(&peer);
		if (dead_peer_look(&peer))
			return now;
		sent += how & BUSY;
		if (!(how & DEAF))
			dead_peer_counted(&peer, sent,
					  1000 + (uint64_t)((now < last ? now : last) / every) * 40);
	}
	return -1;
}

static void test_the_limit(void **state)
{
	static const uint32_t limits[] = {10, 30, 60, 120};

	(void)state;
	for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
		int64_t limit = limits[i] * 1000;

		/* The first counts of all come after the first look, and are of something. */
		for (int64_t last = limit * 4 / 10; last < limit * 3; last += 100) {
			int64_t calm = dead_after(limits[i], 100, last, 0);
			int64_t busy = dead_after(limits[i], 100, last, BUSY);

			assert_true(calm >= last + limit && calm <= last + limit + limit * 4 / 10);
			assert_true(busy >= last + limit && busy <= last + limit + limit / 10);
		}
		/* It pings, if only just often enough. */
		assert_int_equal(dead_after(limits[i], limit - limit / 10, INT64_MAX, 0), -1);
		assert_int_equal(dead_after(limits[i], limit - limit / 10, INT64_MAX, BUSY), -1);
		/* openvpn itself does not answer: it counts as long. */
		assert_int_equal(dead_after(limits[i], 1, INT64_MAX, DEAF), limit);
	}
}

static struct dead_peer peer;
static uint64_t sent, heard;

/* So many looks, after each of which it turns out that programs have sent, or that the server has answered.
 * True: it is dead at the last of them, and was not before. */
static bool looks(int count, bool sends, bool answers)
{
	for (int i = 1; i <= count; i++) {
		if (dead_peer_look(&peer)) {
			assert_int_equal(i, count);
			return true;
		}
		dead_peer_counted(&peer, sent += sends, heard += answers);
	}
	return false;
}

/* Connected; the first counts have come: if `sent` is not 0, programs have sent. */
static void begin(uint32_t limit)
{
	dead_peer_begin(&peer, limit);
	dead_peer_counted(&peer, sent, ++heard);
}

static void test_nothing_is_connected(void **state)
{
	(void)state;
	peer = (struct dead_peer){.active = false};
	assert_int_equal(dead_peer_interval_ms(&peer), 0);
	dead_peer_hurry(&peer);
	assert_int_equal(dead_peer_interval_ms(&peer), 0);
	assert_true(peer.hurry == 0 && !peer.changed);
}

/* While no program sends there are few looks: two and a half of them in a minute, of the limit that providers
 * push. It looks closer as soon as one sends, or the server is silent. */
static void test_how_often(void **state)
{
	(void)state;
	sent = 0;
	begin(60);
	assert_int_equal(dead_peer_interval_ms(&peer), 6000); /* does a program wait for the tunnel? */
	assert_false(looks(1, false, true));
	assert_int_equal(dead_peer_interval_ms(&peer), 24000);
	assert_false(looks(1000, false, true));
	assert_int_equal(dead_peer_interval_ms(&peer), 24000);
	dead_peer_look(&peer);
	assert_int_equal(dead_peer_interval_ms(&peer), 6000); /* until the counts have come */
	dead_peer_counted(&peer, sent, heard);
	assert_int_equal(dead_peer_interval_ms(&peer), 6000); /* nothing */
	dead_peer_counted(&peer, sent, ++heard);
	assert_int_equal(dead_peer_interval_ms(&peer), 24000);
	/* A program sends: for a whole limit after that it looks closer. */
	dead_peer_counted(&peer, ++sent, ++heard);
	assert_int_equal(dead_peer_interval_ms(&peer), 6000);
	assert_false(looks(9, false, true));
	assert_int_equal(dead_peer_interval_ms(&peer), 6000);
	assert_false(looks(1, false, true));
	assert_int_equal(dead_peer_interval_ms(&peer), 24000);
	/* A server that sends no pings: four tenths of half a minute. */
	sent = 0;
	begin(0);
	assert_int_equal(dead_peer_interval_ms(&peer), 3000);
	assert_false(looks(1, false, false));
	assert_int_equal(dead_peer_interval_ms(&peer), 12000);
	assert_false(looks(1, true, false));
	assert_int_equal(dead_peer_interval_ms(&peer), 3000);
	assert_false(looks(9, true, true));
	assert_int_equal(dead_peer_interval_ms(&peer), 3000);
	/* What it does not answer keeps nobody awake for ever. */
	assert_false(looks(1, true, false));
	assert_false(looks(9, false, false));
	assert_int_equal(dead_peer_interval_ms(&peer), 3000);
	assert_false(looks(1, false, false));
	assert_int_equal(dead_peer_interval_ms(&peer), 12000);
}

/* It may be silent for ever, but not while programs send. */
static void test_a_server_that_sends_no_pings(void **state)
{
	(void)state;
	begin(0);
	assert_false(looks(1000, false, false));
	assert_false(looks(1000, true, true));
	assert_false(looks(10, true, false));
	assert_int_equal(dead_peer_unanswered(&peer), 27);
	assert_true(looks(1, true, false));
	assert_int_equal(dead_peer_unanswered(&peer), DEAD_PEER_MUTE);
	/* Long silence before counts for nothing. */
	begin(0);
	assert_false(looks(1000, false, false));
	assert_false(looks(10, true, false));
	assert_true(looks(1, true, false));
	/* Nor do a few packets that want no answer. */
	begin(0);
	assert_false(looks(4, true, false));
	assert_false(looks(1000, false, false));
	assert_false(looks(1, true, false));
	assert_true(looks(1, false, false));
	/* Sent is what is more than before, whenever it was told. */
	begin(0);
	for (int i = 0; i < 100; i++) {
		dead_peer_counted(&peer, sent + 7, heard);
		assert_false(dead_peer_look(&peer));
	}
	assert_int_equal(peer.tried, 1);
	for (uint64_t i = 8; i < 10; i++) {
		dead_peer_counted(&peer, sent + i, heard);
		dead_peer_counted(&peer, sent + i, heard); /* told twice */
		assert_false(dead_peer_look(&peer));
	}
	assert_int_equal(peer.tried, 3);
	/* A single answer is enough. */
	begin(0);
	assert_false(looks(9, true, false));
	assert_false(looks(1, true, true));
	assert_int_equal(dead_peer_unanswered(&peer), 0);
	assert_false(looks(10, true, false));
	assert_true(looks(1, true, false));
}

/* After a change of the network it takes five seconds, if programs send; an answer ends the hurry. */
static void test_a_change_of_the_network(void **state)
{
	static const uint32_t limits[] = {0, 10, 60};

	(void)state;
	for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
		uint32_t tenth = limits[i] == 0 ? 3000 : limits[i] * 100;

		begin(limits[i]);
		assert_false(looks(4, true, false));
		dead_peer_hurry(&peer);
		assert_int_equal(dead_peer_interval_ms(&peer), 1000);
		/* What has come and what was sent before it, as the counts tell that are asked for now. */
		dead_peer_counted(&peer, ++sent, ++heard);
		assert_true(peer.hurry > 0 && !peer.sends);
		assert_false(looks(5, true, false));
		assert_int_equal(dead_peer_unanswered(&peer), limits[i] == 0 ? 4 : 5);
		assert_true(looks(DEAD_PEER_CHANGED - 4, true, false));
		begin(limits[i]);
		dead_peer_hurry(&peer);
		dead_peer_counted(&peer, sent, heard);
		assert_false(looks(5, true, false));
		dead_peer_counted(&peer, ++sent, ++heard);
		assert_int_equal(dead_peer_interval_ms(&peer), tenth);
		assert_false(looks(5, true, false));
		/* Nobody sends: then it is as before, and the time counts. */
		begin(limits[i]);
		dead_peer_hurry(&peer);
		assert_false(looks(14, false, false));
		assert_int_equal(dead_peer_interval_ms(&peer), 1000);
		assert_false(looks(1, false, false));
		assert_int_equal(dead_peer_interval_ms(&peer), limits[i] == 0 ? tenth * 4 : tenth);
	}
	begin(60);
	dead_peer_hurry(&peer);
	assert_false(looks(15 + 7, false, false)); /* 15 s of 60 */
	assert_true(looks(1, false, false));
}

/* While no way leads to the server, nothing can come, and nothing counts. */
static void test_away(void **state)
{
	(void)state;
	begin(60);
	assert_false(looks(9, true, false));
	dead_peer_away(&peer, true);
	assert_false(looks(1000, true, false));
	assert_int_equal(dead_peer_unanswered(&peer), 0);
	dead_peer_away(&peer, false);
	assert_false(looks(9, true, false));
	dead_peer_away(&peer, false); /* that is no news */
	assert_true(looks(1, true, false));
	/* Nor is there anything to hurry for. */
	sent = 0;
	begin(60);
	dead_peer_away(&peer, true);
	dead_peer_hurry(&peer);
	assert_false(looks(1, false, false));
	assert_int_equal(dead_peer_interval_ms(&peer), 24000);
}

/* A machine that stood still misses the time, and no look; a count that is told for another reason counts. */
static void test_what_counts(void **state)
{
	(void)state;
	begin(10);
	for (uint64_t i = 0; i < 100; i++) {
		assert_false(dead_peer_look(&peer));
		if (i % 6 == 0)
			dead_peer_counted(&peer, sent, heard + i + 1);
		dead_peer_counted(&peer, sent, heard + i - i % 6 + 1);
	}
	dead_peer_begin(&peer, 10);
	assert_int_equal(peer.silent + peer.tried, 0);
	assert_int_equal(peer.heard + peer.sent, 0);
	assert_false(looks(4, true, false));
	assert_int_equal(peer.tried, 2);
	assert_int_equal(dead_peer_unanswered(&peer), 0); /* too few to tell */
	assert_false(looks(1, true, false));
	assert_int_equal(dead_peer_unanswered(&peer), 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_the_limit),
	    cmocka_unit_test(test_nothing_is_connected),
	    cmocka_unit_test(test_how_often),
	    cmocka_unit_test(test_a_server_that_sends_no_pings),
	    cmocka_unit_test(test_a_change_of_the_network),
	    cmocka_unit_test(test_away),
	    cmocka_unit_test(test_what_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
