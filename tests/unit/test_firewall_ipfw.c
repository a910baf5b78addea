/* The ipfw backend with an ipfw that the test plays: what others change, what is told of it; and its watch,
 * second by second. What is asked of the tool in turn is in test_ipfw_calls. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "ipfw_standin.h"
#include "leaks.h"
#include "no_memory.h"
#include "watch_memory.h"

static void test_what_others_change(void **state)
{
	char now[TEXT];

	(void)state;
	for (int kind = 0; kind < 6; kind++) {
		be(&dialling);
		ipfw.killed = 0;
		if (kind == 0)
			delete_rules(26, 0), delete_rules(27, 0);
		else if (kind == 1)
			ipfw.disabled |= 1u << 26 | 1u << 27;
		else if (kind == 2)
			delete_rules(IPFW_FLOOR_SET, 0);
		else if (kind == 3)
			ipfw.on = false;
		else if (kind == 4) /* the same count, another rule */
			strcpy(ipfw.rules[ipfw.count / 2].body, "allow ip from any to any // row 3");
		else
			add_rule(1, ipfw.disabled >> 26 & 1 ? 27 : 26, "allow ip from any to any");
		assert_false(stands(&dialling));
		be(&dialling);
		assert_true(ipfw.killed > 0);
	}
	be(&dialling);
	assert_int_equal(deciding(now, sizeof now), 1);
	/* The other set, enabled by somebody. */
	add_rule(1, ipfw.disabled >> 26 & 1 ? 26 : 27, "allow ip from any to any");
	ipfw.disabled = 0;
	be(&dialling);
	/* What nothing of ours can undo is told. */
	add_rule(0, 0, "allow ip from any to any");
	heal();
	assert_int_equal(set(&dialling), -1);
	assert_non_null(strstr(e.text, "a rule before ours may pass"));
	delete_rules(0, 0);
	probed = PROBED_OUT;
	assert_int_equal(set(&dialling), -1);
	assert_non_null(strstr(e.text, "a datagram got out of en0"));
	assert_false(ipfw_of(fw)->armed);
	probed = PROBED_NOTHING;
	be(&dialling);
}

/* Whatever stands after a flip that failed, it is not taken for what stood before. */
static void test_after_a_flip_that_failed(void **state)
{
	unsigned number = 1, all = 1;

	for (; number <= all; number++) {
		for (unsigned how = REFUSED; how < WAYS; how++) {
			teardown(state);
			setup(state);
			be(&dialling);
			heal();
			assert_int_equal(set(&opened), 0);
			all = calls;
			be(&dialling);
			heal();
			fail_at = number;
			way = (enum way)how;
			(void)set(&opened);
			be(&dialling);
		}
	}
	assert_true(all > 5);
}

static void test_what_there_is(void **state)
{
	struct firewall_features features;

	(void)state;
	memset(&features, 0xff, sizeof features);
	assert_int_equal(firewall_ipfw.probe(fw, &features, &e), 0);
	assert_string_equal(features.backend, "ipfw");
	assert_int_equal(features.count, 4);
	assert_string_equal(features.list[0].what, "ipfw in the kernel");
	assert_string_equal(features.list[1].what, "a default of deny");
	assert_string_equal(features.list[1].lacking, "not known before it is loaded");
	assert_string_equal(features.list[2].what, "no pipe of dummynet");
	assert_string_equal(features.list[3].what, "the link layer");
	assert_true(!features.list[0].has && !features.list[1].has && features.list[2].has);
	be(&locked);
	ipfw.passes = true;
	add_rule(200, 0, "pipe 1 ip from any to any");
	assert_int_equal(firewall_ipfw.probe(fw, &features, &e), 0);
	assert_true(features.list[0].has && !features.list[1].has && !features.list[2].has);
	assert_memory_equal(features.list[1].lacking, "deleting", 8);
	for (size_t i = 0; i < features.count; i++)
		assert_non_null(features.list[i].lacking);
	ipfw.passes = false;
	assert_int_equal(firewall_ipfw.probe(fw, &features, &e), 0);
	assert_true(features.list[1].has);
	ipfw.loaded = false; /* what was seen before says nothing */
	assert_int_equal(firewall_ipfw.probe(fw, &features, &e), 0);
	assert_true(!features.list[0].has && !features.list[1].has && features.list[2].has);
}

/* What the rules of before have stopped is counted too, once they are really gone. */
static void test_what_was_stopped(void **state)
{
	uint64_t first, second_time, third;

	(void)state;
	be(&locked);
	assert_int_equal(firewall_ipfw.blocked(fw, &first, &e), 0);
	be(&dialling);
	assert_int_equal(firewall_ipfw.blocked(fw, &second_time, &e), 0);
	be(&locked);
	assert_int_equal(firewall_ipfw.blocked(fw, &third, &e), 0);
	assert_true(first > 3 && second_time > first && third > second_time);
	assert_int_equal(third - second_time, first - 3); /* the floor's are never counted anew */
	heal();
	fail_at = 7; /* `delete set`, so that they stay */
	way = REFUSED;
	assert_int_equal(set(&dialling), 0);
	assert_int_equal(calls, 7);
	assert_int_equal(firewall_ipfw.blocked(fw, &second_time, &e), 0);
	assert_int_equal(second_time - third, first - 3);
}

/* --- the watch ------------------------------------------------------------------------------ */

static unsigned descriptors; /* so many are open while nothing is looked at */

static int begin_watching(void **state)
{
	setup(state);
	be(&locked);
	watch(&firewall_ipfw, fw);
	listed = 0;
	second();
	descriptors = open_descriptors();
	heal();
	(void)logged();
	return 0;
}

static int end_watching(void **state)
{
	teardown(state);
	reap();
	stop_watching();
	return 0;
}

static void switch_off(void)
{
	ipfw.on = false;
}

static void delete_ours(void)
{
	delete_rules(26, 0);
}

static void disable_ours(void)
{
	ipfw.disabled |= 1u << 26;
}

static void one_more(void)
{
	add_rule(1, 26, "allow ip from any to any");
}

static void one_is_another(void)
{
	strcpy(ipfw.rules[ipfw.count / 2].body, "allow ip from any to any // row 3");
}

static void enable_other(void)
{
	ipfw.disabled = 0;
	add_rule(1, 27, "allow ip from any to any");
}

static void delete_floor(void)
{
	delete_rules(IPFW_FLOOR_SET, 0);
}

static void foreign_first(void)
{
	add_rule(0, 0, "allow ip from any to any");
}

static void test_what_differs(void **state)
{
	static const struct {
		void (*change)(void);
		const char *words;
	} rows[] = {{switch_off, "somebody else has disabled ipfw"},
		    {delete_ours, "somebody else has deleted our rules"},
		    {disable_ours, "somebody else has disabled our rules"},
		    {one_more, "somebody else has changed our rules"},
		    {one_is_another, "somebody else has changed our rules"},
		    {enable_other, "somebody else has enabled set 27"},
		    {delete_floor, "somebody else has deleted rule 2 of set 31"},
		    {foreign_first,
		     "a rule before ours may pass what we would stop: 00000 set 0 allow ip from any to "
		     "any; instead: delete it, or give it a number from 3 on"}};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		end_watching(state);
		begin_watching(state);
		rows[i].change();
		second();
		assert_int_equal(told, 1);
		assert_string_equal(what, rows[i].words);
	}
}

/* It is off: nothing else is asked. */
static void test_off(void **state)
{
	(void)state;
	switch_off();
	begin_second();
	assert_true(told == 1 && !something_runs());
}

/* In time, and before a second is over; no probe gets out. */
static void test_all_is_right(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++) {
		second();
		assert_int_equal(told, 0);
		assert_int_equal(open_descriptors(), descriptors);
	}
	assert_int_equal(listed, 4);
	assert_string_equal(journal, "list list list ");
}

static void test_a_leak(void **state)
{
	(void)state;
	probed = PROBED_OUT;
	second();
	assert_int_equal(told, 1);
	assert_memory_equal(what, "a datagram got out of en0", 25);
	assert_int_equal(listed, 1); /* that is enough */
}

static void test_a_tool_that_hangs(void **state)
{
	(void)state;
	hangs = true;
	begin_second();
	assert_int_equal(listed, 2);
	begin_second(); /* one at a time */
	assert_true(told == 0 && listed == 2 && something_runs());
	assert_between(shortest_wait(), 500, 900 + COARSE);
	hear_it_out();
	assert_int_equal(told, 1);
	assert_string_equal(what, "ipfw does not answer");
	hangs = false;
	reap();
	second();
	assert_int_equal(told, 0);
}

static void test_what_is_no_answer(void **state)
{
	(void)state;
	ipfw.cut = true;
	second();
	assert_int_equal(told, 1);
	assert_memory_equal(what, "ipfw list: ", 11);
	ipfw.cut = false;
	heal();
	fail_at = 1;
	second();
	assert_int_equal(told, 1);
	assert_memory_equal(what, "/sbin/ipfw", 10);
}

/* What was looked at before an assert, a pause or a removal says nothing. */
static void test_out_of_date(void **state)
{
	(void)state;
	delete_floor();
	begin_second();
	be(&locked);
	hear_it_out();
	assert_int_equal(told, 0);
	delete_floor();
	begin_second();
	assert_int_equal(firewall_ipfw.pause(fw, 60, &e), 0);
	ipfw_of(fw)->armed = true;
	hear_it_out();
	assert_int_equal(told, 0);
	be(&locked);
	delete_floor();
	begin_second();
	assert_int_equal(firewall_ipfw.remove(fw, &e), 0);
	ipfw_of(fw)->armed = true;
	hear_it_out();
	assert_int_equal(told, 0);
	be(&locked);
	delete_floor();
	begin_second();
	ipfw_of(fw)->armed = false;
	hear_it_out();
	assert_int_equal(told, 0);
	begin_second();
	assert_false(something_runs());
}

static void test_a_pause(void **state)
{
	(void)state;
	assert_int_equal(firewall_ipfw.pause(fw, 60, &e), 0);
	second();
	assert_int_equal(told, 0);
	watchdog_runs = false;
	begin_second();
	assert_true(told == 1 && !something_runs());
	assert_string_equal(what, "no process is left to end the pause");
	be(&locked);
	second();
	assert_int_equal(told, 0);
}

/* Each by name, once. */
static void test_pipes(void **state)
{
	(void)state;
	add_rule(200, 0, "pipe 1 ip from any to any");
	second();
	assert_int_equal(told, 0);
	assert_string_equal(logged(),
			    "warn gate: packets that wait in a dummynet pipe when the gate shuts leave "
			    "unfiltered: 00200 set 0 pipe 1 ip from any to any; instead: delete that rule "
			    "and its pipe");
	second();
	assert_string_equal(logged(), "");
	delete_rules(0, 200);
	second();
	assert_string_equal(logged(), "");
	add_rule(200, 0, "pipe 1 ip from any to any");
	second();
	assert_string_not_equal(logged(), "");
}

static void test_closing_ends_the_look(void **state)
{
	(void)state;
	hangs = true;
	begin_second();
	assert_true(something_runs());
}

static void live(void)
{
	assert_int_equal(setup(NULL), 0);
	be(&locked);
	be(&dialling);
	watch(&firewall_ipfw, fw);
	second();
	teardown(NULL);
	reap();
	stop_watching();
}

static void can_not_open(unsigned at)
{
	memory_fails_at = at;
	assert_null(firewall_ipfw.open(&e));
	memory_fails_at = 0;
}

static void test_nothing_is_left(void **state)
{
	(void)state;
	assert_no_leak("a life", live());
	for (unsigned at = 1; at <= 4 && MEMORY_CAN_FAIL; at++)
		assert_no_leak("an open that fails", can_not_open(at));
}

/* Each time that memory is asked for it may be the last. */
static void test_no_memory(void **state)
{
	struct firewall *one = NULL;
	unsigned given = 0;

	(void)state;
	if (!MEMORY_CAN_FAIL)
		skip();
	while (one == NULL && given < 20) {
		memory_fails_at = ++given;
		e.text[0] = '\0';
		one = firewall_ipfw.open(&e);
		memory_fails_at = 0;
		assert_true(one != NULL || strcmp(e.text, "firewall: Cannot allocate memory") == 0);
	}
	assert_int_equal(given, 5);
	firewall_ipfw.close(one);
}

/* What stood stands. */
static void test_no_memory_to_build(void **state)
{
	(void)state;
	if (!MEMORY_CAN_FAIL)
		skip();
	be(&locked);
	memory_fails_at = 1;
	assert_int_equal(set(&dialling), -1);
	memory_fails_at = 0;
	assert_string_equal(e.text, "firewall: Cannot allocate memory");
	assert_true(stands(&locked));
}

static void test_no_memory_to_watch(void **state)
{
	(void)state;
	watch_without_memory(&firewall_ipfw, &fw, setup, teardown, "ipfw can't be watched: ");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define WATCH(name) cmocka_unit_test_setup_teardown(name, begin_watching, end_watching)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_no_memory),
	    cmocka_unit_test(test_no_memory_to_watch),
	    cmocka_unit_test(test_nothing_is_left),
	    TEST(test_no_memory_to_build),
	    TEST(test_what_others_change),
	    TEST(test_after_a_flip_that_failed),
	    TEST(test_what_there_is),
	    TEST(test_what_was_stopped),
	    WATCH(test_all_is_right),
	    WATCH(test_what_differs),
	    WATCH(test_a_leak),
	    WATCH(test_a_tool_that_hangs),
	    WATCH(test_what_is_no_answer),
	    WATCH(test_out_of_date),
	    WATCH(test_a_pause),
	    WATCH(test_pipes),
	    WATCH(test_off),
	    WATCH(test_closing_ends_the_look),
	};

	return cmocka_run_group_tests(tests, prepare, NULL);
}
