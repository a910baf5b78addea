/* `open` is proven, and stays so: what is asked of whom when something may have changed, in each way that it
 * can go; against tests/golden/proof/. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/limit.h"
#include "gate/gate.h"
#include "golden.h"
#include "log_journal.h"
#include "os/host/clock.h"
#include "os/route/device.h"
#include "tests/arch/gate_states.h"
#include "timer_standin.h"
#include "ways.h"

enum { INDEX = 7 };

static struct gate gate;
static int64_t now;
static unsigned index_told;
static bool reached;

/* --- what it asks others ------------------------------------------------------------------- */

/* A machine that "stalls" stands still for a while whenever somebody asks for the time. */
int64_t clock_steady_ms(void)
{
	return is("stalls") ? now += 101 : now;
}

struct timeval clock_timeval(int64_t ms)
{
	return (struct timeval){.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
}

unsigned attempt_verify_tunnel(const struct gate *it, const struct wire_tunnel *tunnel, struct err *e)
{
	assert_true(it == &gate && tunnel == &gate.attempt.tunnel);
	say("attempt_verify_tunnel");
	return FAILS("attempt_verify_tunnel") ? 0 : index_told;
}

void attempt_kill(struct gate *it, const char *why)
{
	assert_ptr_equal(it, &gate);
	say("attempt_kill %s [%s]", why, gate.proof.notice);
	gate.state.actual = ACTUAL_LOCKED;
}

struct route_desired gate_routes(const struct gate *it, bool open)
{
	return (struct route_desired){.tunnel = open ? &it->attempt.tunnel : NULL,
				      .redirect = !it->profile.route_nopull};
}

int gate_route(struct gate *it, bool open, struct err *error)
{
	struct err none, *e = error != NULL ? error : &none;

	assert_ptr_equal(it, &gate);
	say("gate_route %d", open);
	now += is("slow") ? 101 : 0;
	return FAILS("gate_route") ? -1 : 0;
}

int route_prove(const struct route_desired *desired, struct err *e)
{
	bool free = desired->four || desired->six;

	say("route_prove %s%s%s", desired->tunnel != NULL ? "tunnel" : "nowhere", desired->four ? " 4" : "",
	    desired->six ? " 6" : "");
	return (free && FAILS("free")) || FAILS("route_prove") ? -1 : 0;
}

bool route_reaches(const struct route_desired *desired)
{
	assert_ptr_equal(desired->tunnel, &gate.attempt.tunnel);
	return reached;
}

int device_set(const struct wire_tunnel *tunnel, struct err *e)
{
	assert_ptr_equal(tunnel, &gate.attempt.tunnel);
	say("device_set");
	return FAILS("device_set") ? -1 : 0;
}

void ways_changed(struct gate *it, bool worth)
{
	assert_ptr_equal(it, &gate);
	say("ways_changed %d", worth);
}

static void changed(struct gate *it, enum wire_note note, const char *why)
{
	assert_ptr_equal(it, &gate);
	say("changed %d %s [%s]", (int)note, why, gate.proof.notice);
}

/* --- the proof ------------------------------------------------------------------------------- */

static int setup(void **state)
{
	(void)state;
	memset(&gate, 0, sizeof gate);
	journal[0] = failed[0] = '\0';
	so = "";
	now += 1000000;
	index_told = INDEX;
	reached = true;
	gate.base = event_base_new();
	gate.changed = changed;
	gate.state = (struct gate_state){DESIRED_UP, ACTUAL_OPEN};
	gate.attempt.index = INDEX;
	gate.attempt.pid = 4711;
	strcpy(gate.reason, "the tunnel is up");
	strcpy(gate.attempt.tunnel.name, "tun7");
	net_address_parse("10.8.0.2", &gate.attempt.tunnel.address4);
	return 0;
}

static int teardown(void **state)
{
	struct event *const timers[] = {gate.proof.later, gate.proof.quiet};

	(void)state;
	for (size_t i = 0; i < 2; i++)
		if (timers[i] != NULL)
			event_free(timers[i]);
	event_base_free(gate.base);
	return 0;
}

static void way(const char *words)
{
	say("\n# %s, %s", words, actual_names[gate.state.actual]);
	so = words;
	failed[0] = '\0';
}

static bool runs(const struct event *timer)
{
	return timer != NULL && evtimer_pending(timer, NULL);
}

/* Its time has come. */
static void expire(struct event *timer)
{
	assert_true(runs(timer));
	evtimer_del(timer);
	event_active(timer, EV_TIMEOUT, 0);
	event_base_loop(gate.base, EVLOOP_NONBLOCK);
}

static void ended(int result, const struct err *e)
{
	say("%s; blocked %d %d %d", result == 0 ? "done" : e->text, gate.proof.blocked, gate.proof.four,
	    gate.proof.six);
}

static void test_before_the_flip(void **state)
{
	static const char *const ways[] = {
	    "", "!attempt_verify_tunnel", "another", "!route_prove-once", "!route_prove-once !free", ""};

	(void)state;
	for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
		struct err e = {""};

		gate.state.actual = ACTUAL_DIALLING;
		way(ways[i]);
		index_told = is("another") ? INDEX + 1 : INDEX;
		strcpy(gate.proof.notice, "as before");
		ended(proof_open(&gate, &e), &e);
		say("notice [%s]", gate.proof.notice);
	}
	assert_golden("tests/golden/proof/before", journal);
}

/* After a proof that failed, for what is not ours to remove. */
static void test_the_dial(void **state)
{
	static const char *const ways[] = {
	    "free",    "blocked !free",  "blocked !free six", "blocked only-six",
	    "blocked", "blocked nopull", "blocked six nopull"};
	struct err e = {""};

	(void)state;
	for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
		gate.state.actual = ACTUAL_LOCKED;
		way(ways[i]);
		gate.proof.blocked = is("blocked");
		gate.proof.four = !is("only-six");
		gate.proof.six = is("six") || is("only-six");
		gate.profile.route_nopull = is("nopull");
		ended(proof_dial(&gate, &e), &e);
	}
	assert_golden("tests/golden/proof/dial", journal);
}

static void test_each_look(void **state)
{
	static const struct {
		const char *so;
		enum gate_actual actual;
	} ways[] = {{"", ACTUAL_OPEN},
		    {"", ACTUAL_DIALLING},
		    {"", ACTUAL_LOCKED},
		    {"", ACTUAL_UNPROTECTED},
		    {"", ACTUAL_OFF},
		    {"", ACTUAL_PAUSED},
		    {"!attempt_verify_tunnel-once", ACTUAL_OPEN},
		    {"!route_prove-once", ACTUAL_OPEN},
		    {"!route_prove-once nobody", ACTUAL_OPEN},
		    {"!route_prove-once", ACTUAL_LOCKED},
		    {"!route_prove-once !device_set-once", ACTUAL_OPEN},
		    {"!route_prove-once !gate_route-once", ACTUAL_OPEN},
		    {"!route_prove-once !gate_route-once", ACTUAL_LOCKED},
		    {"!route_prove-once !device_set", ACTUAL_OPEN},
		    {"!route_prove-once !gate_route", ACTUAL_OPEN},
		    {"!route_prove-once !gate_route", ACTUAL_LOCKED},
		    {"!route_prove-once !gate_route !free", ACTUAL_OPEN},
		    {"!route_prove", ACTUAL_OPEN},
		    {"!route_prove slow", ACTUAL_OPEN},
		    {"!route_prove-once stalls", ACTUAL_OPEN},
		    {"!route_prove six", ACTUAL_OPEN},
		    {"!route_prove", ACTUAL_DIALLING},
		    {"another", ACTUAL_OPEN},
		    {"no-way", ACTUAL_LOCKED},
		    {"no-way4", ACTUAL_LOCKED},
		    {"no-way6", ACTUAL_LOCKED},
		    {"no-way", ACTUAL_OPEN},
		    {"blocked no-way !free", ACTUAL_LOCKED},
		    {"blocked", ACTUAL_LOCKED},
		    {"blocked !free", ACTUAL_LOCKED},
		    {"blocked", ACTUAL_OPEN}};

	for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
		char *all = strdup(journal);

		teardown(state);
		setup(state);
		strcpy(journal, all);
		free(all);
		gate.state.actual = ways[i].actual;
		way(ways[i].so);
		index_told = is("another") ? INDEX + 1 : INDEX;
		gate.proof.blocked = gate.proof.four = is("blocked");
		gate.ways.now.no_way = (is("no-way") || is("no-way4") ? NO_WAY4 : 0) |
				       (is("no-way") || is("no-way6") ? NO_WAY6 : 0);
		if (is("six"))
			net_address_parse("fd00::2", &gate.attempt.tunnel.address6);
		proof_look(&gate, is("nobody") ? "" : "hand (process 5)");
		say("blocked %d %d %d, reason %s, who [%s]", gate.proof.blocked, gate.proof.four,
		    gate.proof.six, gate.reason, gate.proof.who);
	}
	assert_golden("tests/golden/proof/looks", journal);
}

/* A network that goes and comes: each is told once. */
static void test_no_way(void **state)
{
	struct err e = {""};

	(void)state;
	for (int i = 0; i < 6; i++) {
		way(i / 2 % 2 == 0 ? "away" : "there");
		reached = i / 2 % 2 != 0;
		proof_look(&gate, "");
	}
	way("open again");
	assert_int_equal(proof_open(&gate, &e), 0);
	assert_int_equal(gate.proof.notice[0], 0);
	way("away");
	proof_look(&gate, "");
	assert_golden("tests/golden/proof/no_way", journal);
}

/* One repair by `who`, `ms` after the one before. */
static void repair(const char *who, int64_t ms)
{
	now += ms;
	so = "!route_prove-once";
	failed[0] = '\0';
	proof_look(&gate, who);
}

static void test_a_fight(void **state)
{
	struct err e = {""};

	(void)state;
	/* As slow as that it is none. */
	for (int i = 0; i < 100; i++)
		repair("hand (process 5)", 170);
	assert_int_equal(gate.state.actual, ACTUAL_OPEN);
	assert_int_equal(gate.proof.repairs, 100);
	/* The status tells it from the third one on. */
	for (int i = 1; i <= 4; i++) {
		now += i == 1 ? 20000 : 0;
		gate.proof.notice[0] = '\0';
		repair("hand (process 5)", 150);
		assert_int_equal(gate.proof.notice[0] != '\0', i >= 3);
	}
	now += 10000;
	for (int i = 0; i < 60; i++)
		repair("hand (process 5)", 150);
	assert_int_equal(gate.state.actual, ACTUAL_OPEN);
	journal[0] = '\0';
	way("one too many");
	repair("hand (process 5)", 150);
	assert_int_equal(gate.state.actual, ACTUAL_LOCKED);
	assert_int_equal(timer_ms, 5000);
	assert_non_null(strstr(gate.proof.notice, "keeps changing"));
	ended(proof_dial(&gate, &e), &e);
	way("while it is shut");
	gate.attempt.pid = 0;
	timer_ms = 0;
	repair("", 100);
	assert_int_equal(timer_ms, 10000); /* that long from now: it is the second one's */
	way("over");
	expire(gate.proof.quiet);
	ended(proof_dial(&gate, &e), &e);
	assert_golden("tests/golden/proof/fight", journal);
	/* Without an attempt there is nothing to end. */
	now += 20000;
	journal[0] = '\0';
	for (int i = 0; i < 70; i++)
		repair("hand (process 5)", 10);
	assert_true(gate.proof.in_window > 60);
	assert_null(strstr(journal, "attempt_kill"));
}

/* Open again, and disturbed 61 times at once: the milliseconds of quiet that are waited for. */
static long fight(int64_t later)
{
	now += later;
	gate.state.actual = ACTUAL_OPEN;
	for (int i = 0; i < 61; i++)
		repair("", 10);
	assert_int_equal(gate.state.actual, ACTUAL_LOCKED);
	return timer_ms;
}

static void test_fights_again_and_again(void **state)
{
	long expected = 5000;

	(void)state;
	for (int i = 0; i < 10; i++) {
		assert_int_equal(fight(20000), expected);
		expected = expected < 320000 ? 2 * expected : expected;
	}
	/* After a minute of peace it is forgotten. */
	assert_int_equal(fight(61000), 5000);
	/* What is counted begins with the first repair after a fight: it is over one repair sooner. */
	now += 9000;
	gate.state.actual = ACTUAL_OPEN;
	repair("", 0);
	assert_int_equal(fight(3000), 20000);
	assert_int_equal(gate.proof.in_window, 1);
}

/* Looks at everything that happens would cost too much. */
static void test_many_looks(void **state)
{
	size_t looks = 0;

	(void)state;
	for (int i = 0; i < 2 * LIMIT_BURST; i++)
		proof_look(&gate, "");
	for (const char *at = journal; (at = strstr(at, "route_prove")) != NULL; at++)
		looks++;
	assert_int_equal(looks, LIMIT_BURST);
	assert_int_equal(timer_ms, 50);
	/* One is still to come, and knows whose hand it was. */
	proof_look(&gate, "hand (process 5)");
	proof_look(&gate, "");
	journal[0] = '\0';
	so = "!route_prove-once";
	assert_true(evtimer_pending(gate.proof.later, NULL));
	timer_ms = 0;
	now += 1000; /* allowed again, and yet it waits for its time */
	proof_look(&gate, "");
	assert_string_equal(journal, "");
	expire(gate.proof.later);
	assert_non_null(strstr(journal, "somebody else (hand (process 5)) changed"));
	assert_false(runs(gate.proof.later));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {TEST(test_before_the_flip), TEST(test_the_dial),
					   TEST(test_each_look),       TEST(test_no_way),
					   TEST(test_a_fight),         TEST(test_fights_again_and_again),
					   TEST(test_many_looks)};

	return cmocka_run_group_tests_name("proof", tests, NULL, NULL);
}
