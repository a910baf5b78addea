/* The pf backend (macOS) with a pf that the test plays: what others change, who holds the gate, what is told
 * of it. What is asked of pfctl in turn is in test_pf_calls, its watch in test_pf_watch. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "leaks.h"
#include "no_memory.h"
#include "pf_standin.h"
#include "watch_loop.h"

/* Whatever somebody else does is put back, and no state of meanwhile lives. */
static void test_what_others_change(void **state)
{
	(void)state;
	for (int kind = 0; kind < 6; kind++) {
		be(&opened);
		pf_of(fw)->fresh_until = 0;
		pf.killed = 0;
		if (kind == 0)
			pf.anchor[0][0] = '\0';
		else if (kind == 1)
			strcpy(pf.anchor[0], "pass quick all\npass out all\npass in all\n");
		else if (kind == 2)
			load_main(apples);
		else if (kind == 3)
			pf.enabled = false;
		else if (kind == 4)
			pf.reference = false;
		else
			strcpy(pf.rules, "pass quick all\n");
		be(&opened);
		assert_true(pf.killed > 0);
	}
	be(&opened);
	pf_of(fw)->fresh_until = 0;
	pf.skipped = " (skip)"; /* what nothing of ours can undo is told */
	heal();
	assert_int_equal(set(&opened), -1);
	assert_non_null(strstr(e.text, "pf skips en0"));
}

static void test_another_holder(void **state)
{
	int32_t pid = 0;

	(void)state;
	held_by = 4711;
	assert_int_equal(set(&locked), -1);
	assert_non_null(strstr(e.text, "held by process 4711"));
	assert_int_equal(calls, 0);
	assert_int_equal(firewall_pf.owner(fw, &pid, &e), 0);
	assert_int_equal(pid, 4711);
	assert_int_equal(firewall_pf.remove(fw, &e), -1);
	assert_int_equal(calls, 0);
}

/* As many rules, and the last ones stop nothing. */
static void test_rules_that_do_not_end_shut(void **state)
{
	(void)state;
	be(&locked);
	pf.leaky = 1;
	heal();
	assert_int_equal(set(&dialling), -1);
	assert_string_equal(e.text, "our last rules in pf do not stop everything");
	assert_false(pf_of(fw)->armed);
	assert_int_equal(pf_of(fw)->fresh_until, 0);
}

/* What stood stands. */
static void test_what_is_no_situation(void **state)
{
	struct situation none = dialling;

	(void)state;
	memset(&none.endpoint, 0, sizeof none.endpoint);
	be(&locked);
	heal();
	assert_int_equal(set(&none), -1);
	assert_string_not_equal(e.text, "");
	assert_int_equal(calls, 0);
	assert_true(stands(&locked) && pf_of(fw)->armed);
}

/* Where the lock's file can't be made the gate is held all the same; where it can't be read nobody knows. */
static void test_who_holds_it(void **state)
{
	int32_t pid = 99;

	(void)state;
	assert_int_equal(firewall_pf.owner(fw, &pid, &e), 0);
	assert_int_equal(pid, 0);
	held_by = -1;
	assert_int_equal(firewall_pf.owner(fw, &pid, &e), -1);
	held_by = 0;
	be(&locked);
	held_by = -1;
	assert_int_equal(firewall_pf.owner(fw, &pid, &e), -1);
	held_by = 0;
	teardown(NULL);
	setup(NULL);
	lockfile_fails = true;
	be(&locked);
	assert_int_equal(pf_of(fw)->lockfile, -1);
}

static uint64_t blocked(void)
{
	uint64_t packets = 99;

	assert_int_equal(firewall_pf.blocked(fw, &packets, &e), 0);
	return packets;
}

/* Two rules stop packets. What the rules of before have stopped is counted too. */
static void test_what_was_stopped(void **state)
{
	uint64_t packets;

	(void)state;
	pf.packets = 5;
	be(&locked);
	assert_int_equal(blocked(), 10);
	be(&dialling);
	assert_int_equal(blocked(), 20);
	pf.packets = 7;
	assert_int_equal(blocked(), 24);
	watch(&firewall_pf, fw);
	heal();
	assert_int_equal(blocked(), 20);
	assert_int_equal(calls, 0); /* the watch counts */
	second();
	assert_int_equal(blocked(), 24);
	pf.packets = 6;
	second();
	assert_int_equal(blocked(), 24); /* never fewer */
	pf_of(fw)->armed = false;
	heal();
	assert_int_equal(blocked(), 22);
	assert_int_equal(calls, 1);
	be(&locked);
	assert_int_equal(blocked(), 24 + 12);
	heal();
	fail_at = 3; /* the look at what was loaded: it is loaded once more, and nothing is counted twice */
	way = REFUSED;
	assert_int_equal(set(&dialling), 0);
	assert_int_equal(blocked(), 36 + 12);
	pf_of(fw)->armed = false;
	heal();
	fail_at = 1;
	way = REFUSED;
	assert_int_equal(firewall_pf.blocked(fw, &packets, &e), -1);
	pf.anchor[0][0] = '\0';
	heal();
	assert_int_equal(firewall_pf.blocked(fw, &packets, &e), -1);
	assert_string_equal(e.text, "no rules of ours in pf");
	teardown(NULL);
	stop_watching();
	setup(NULL);
}

/* Rules of ours, and then what nobody understands. */
static void test_junk(void **state)
{
	uint64_t packets;

	(void)state;
	be(&locked);
	pf.junk = true;
	assert_int_equal(firewall_pf.blocked(fw, &packets, &e), -1);
	heal();
	assert_int_equal(set(&locked), -1);
	assert_string_equal(e.text, "pfctl's output about our rules is not understood");
}

/* Six seconds for all of it, two for one pfctl; then nothing more is asked. */
static void test_time(void **state)
{
	static const char *const info[] = {"-s", "info", NULL};
	struct pf_firewall *own = pf_of(fw);

	(void)state;
	pf_give_time(own);
	assert_int_equal(own->deadline - the_time, 6000);
	fail_at = 1;
	way = STUCK;
	for (int i = 1; i <= 3; i++) {
		e.text[0] = '\0';
		assert_int_equal(pf_exec(own, info, NULL, &e), -1);
		assert_string_equal(e.text, "/sbin/pfctl: killed after 2000 ms");
	}
	assert_int_equal(pf_exec(own, info, NULL, &e), -1);
	assert_string_equal(e.text, "pfctl took too long");
	assert_int_equal(calls, 3);
	heal();
	own->deadline = the_time + 1;
	assert_int_equal(pf_exec(own, info, NULL, &e), 0);
}

/* Whatever a pause begins with has taken. */
static void test_a_watchdog_looks(void **state)
{
	(void)state;
	be(&locked);
	assert_int_equal(firewall_pf.pause(fw, 60, &e), 0);
	heal();
	assert_int_equal(watchdog_work.look(watchdog_work.argument, &e), 0);
	assert_string_equal(journal, "info ");
	heal();
	fail_at = 1;
	way = REFUSED;
	assert_int_equal(watchdog_work.look(watchdog_work.argument, &e), -1);
	be(&locked);
	heal();
	watchdog_fails = true;
	assert_int_equal(firewall_pf.pause(fw, 60, &e), -1);
	assert_int_equal(pf_of(fw)->deadline - the_time,
			 6000); /* of the pause itself: its look is another process's */
}

/* Any number but 0 is one. */
static void test_small_tokens(void **state)
{
	(void)state;
	strcpy(token, "1\n");
	pf.enabled = pf.reference = true;
	be(&locked);
	assert_non_null(strstr(journal, "info references enable "));
	teardown(state);
	setup(state);
	strcpy(token, "0\n");
	pf.enabled = pf.reference = true;
	be(&locked);
	assert_non_null(strstr(journal, "info enable "));
}

/* In whichever words: asked once more, a little later. */
static void test_busy(void **state)
{
	static const char *const words[] = {"Device busy", "Resource busy",
					    "Resource temporarily unavailable"};

	(void)state;
	be(&locked);
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
		int64_t began = the_time;

		heal();
		busy_words = words[i];
		fail_at = 1;
		way = BUSY;
		assert_int_equal(firewall_pf.forget_states(fw, &e), 0);
		assert_string_equal(journal, "kill kill ");
		assert_int_equal(the_time - began, 20);
	}
}

static void test_what_there_is(void **state)
{
	struct firewall_features features;

	(void)state;
	memset(&features, 0xff, sizeof features);
	assert_int_equal(firewall_pf.probe(fw, &features, &e), 0);
	assert_string_equal(features.backend, "pf");
	assert_int_equal(features.count, 3);
	assert_string_equal(features.list[0].what, "pf");
	assert_string_equal(features.list[1].what, "our rules are accepted");
	assert_string_equal(features.list[2].what, "our anchor is called before all others");
	assert_true(features.list[0].has && features.list[1].has && !features.list[2].has);
	for (size_t i = 0; i < features.count; i++)
		assert_non_null(features.list[i].lacking);
	be(&locked);
	heal();
	fail_at = 2;
	way = REFUSED;
	assert_int_equal(firewall_pf.probe(fw, &features, &e), 0);
	assert_true(features.list[0].has && !features.list[1].has && features.list[2].has);
	/* What is tried is a lock, and names the tunnel's link. */
	assert_non_null(strstr(pf_of(fw)->made, "block"));
	assert_non_null(strstr(pf_of(fw)->made, PORTCULLIS_INTERFACE));
}

static void test_no_memory(void **state)
{
	struct firewall *one;

	(void)state;
	if (!MEMORY_CAN_FAIL)
		skip();
	memory_fails_at = 1;
	one = firewall_pf.open(&e);
	memory_fails_at = 0;
	assert_null(one);
	assert_string_equal(e.text, "firewall: Cannot allocate memory");
}

/* Of a whole life, with a look, and with main rules that come from pf.conf. */
static void live(void)
{
	assert_int_equal(setup(NULL), 0);
	pf.refused = 1;
	pf_conf = apples;
	be(&locked);
	watch(&firewall_pf, fw);
	second();
	teardown(NULL);
	stop_watching();
}

static void test_nothing_is_left(void **state)
{
	teardown(state);
	assert_no_leak("a life", live());
	setup(state);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_no_memory),
	    TEST(test_what_others_change),
	    TEST(test_another_holder),
	    TEST(test_rules_that_do_not_end_shut),
	    TEST(test_what_is_no_situation),
	    TEST(test_nothing_is_left),
	    TEST(test_who_holds_it),
	    TEST(test_what_was_stopped),
	    TEST(test_what_there_is),
	    TEST(test_junk),
	    TEST(test_busy),
	    TEST(test_time),
	    TEST(test_a_watchdog_looks),
	    TEST(test_small_tokens),
	};

	return cmocka_run_group_tests(tests, prepare, NULL);
}
