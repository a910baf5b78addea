/* The pf backend on FreeBSD, where pf is a module and counts no references: what is asked of pfctl and
 * kldload, call by call, and what follows when one fails, against a golden file as in test_pf_calls. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "pf_standin.h"
#include "scenarios.h"

static bool has_device, loads; /* is the module there; can it be loaded? */

int access(const char *path, int mode)
{
	assert_string_equal(path, "/dev/pf");
	assert_int_equal(mode, F_OK);
	show(journal, JOURNAL, "device ");
	return has_device ? 0 : -1;
}

int tool_run(const char *const *argv, const char *input, int milliseconds, struct err *error)
{
	static const char *const wanted[] = {"/sbin/kldload", "-n", "-q", "pf", NULL};

	for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
		assert_true(wanted[i] == NULL ? argv[i] == NULL : strcmp(wanted[i], argv[i]) == 0);
	assert_null(input);
	assert_int_equal(milliseconds, 3000);
	show(journal, JOURNAL, "kldload ");
	return loads ? 0 : err_set(error, "no such module");
}

static void is_there(void)
{
	has_device = true;
}

static void is_not_loaded(void)
{
	has_device = false;
	loads = true;
}

static void can_not_be_loaded(void)
{
	has_device = loads = false;
}

static void is_on(void)
{
	is_there();
	pf.enabled = true;
	pf.reference = true; /* there are none that could be missed */
}

static void is_locked(void)
{
	is_there();
	be(&locked);
}

static void others_switch_off(void)
{
	is_locked();
	the_time += 2000;
	pf.enabled = false;
}

static int lock(void)
{
	return set(&locked);
}

static int dial(void)
{
	return set(&dialling);
}

static int pause_it(void)
{
	return firewall_pf.pause(fw, 60, &e);
}

static int remove_all(void)
{
	return firewall_pf.remove(fw, &e);
}

static int probe(void)
{
	struct firewall_features features = {.count = 0};
	int result = firewall_pf.probe(fw, &features, &e);

	for (size_t i = 0; i < features.count && result == 0; i++)
		show(journal, JOURNAL, "%s ", features.list[i].has ? "+" : "-");
	return result;
}

static int count(void)
{
	uint64_t packets;

	return firewall_pf.blocked(fw, &packets, &e);
}

static bool locks(void)
{
	return stands(&locked) && pf_of(fw)->armed;
}

static bool dials(void)
{
	return stands(&dialling) && pf_of(fw)->armed;
}

static bool has_none(void)
{
	return pf_count_rules(pf.anchor[0]) == 0 && !pf_of(fw)->armed;
}

/* It stays on: others may have come to rely on it. */
static bool is_removed(void)
{
	return (fail_at > 0 && way == LIED) ||
	       (has_none() && !pf_calls_us(pf.rules, pf.nat) && pf.enabled == pf.reference);
}

static bool anything(void)
{
	return true;
}

static const struct scenario scenarios[] = {
    {"the first lock", is_there, lock, locks, WAYS},
    {"the first lock, pf is on", is_on, lock, locks, COMPLAINS},
    {"the first lock, pf is not loaded", is_not_loaded, lock, locks, COMPLAINS},
    {"the first lock, pf can't be loaded", can_not_be_loaded, lock, locks, COMPLAINS},
    {"locked to dialling", is_locked, dial, dials, COMPLAINS},
    {"locked again, pf is off", others_switch_off, lock, locks, COMPLAINS},
    {"a pause", is_locked, pause_it, has_none, COMPLAINS},
    {"removal", is_locked, remove_all, is_removed, COMPLAINS},
    {"removal, pf is not loaded", is_not_loaded, remove_all, is_removed, COMPLAINS},
    {"what there is", is_locked, probe, anything, COMPLAINS},
    {"what there is, pf is not loaded", is_not_loaded, probe, anything, COMPLAINS},
    {"what was stopped, pf is not loaded", is_not_loaded, count, anything, COMPLAINS},
};

static void test_each_call(void **state)
{
	(void)state;
	show(text, sizeof text, "# As pf_apple.txt, on FreeBSD.\n");
	for (size_t i = 0; i < sizeof scenarios / sizeof scenarios[0]; i++)
		run_all(&scenarios[i]);
	assert_golden("tests/golden/calls/pf_freebsd.txt", text);
}

/* What the watch asks changes nothing. */
static void test_looking(void **state)
{
	(void)state;
	assert_int_equal(setup(state), 0);
	is_locked();
	heal();
	pf_give_time(pf_of(fw));
	assert_int_equal(pf_enabled_look(pf_of(fw), &e), 0);
	pf.enabled = false;
	assert_int_equal(pf_enabled_look(pf_of(fw), &e), -1);
	assert_string_equal(e.text, "pf is disabled (`pfctl -d`)");
	heal();
	pf_give_time(pf_of(fw));
	fail_at = 1;
	way = LIED;
	assert_int_equal(pf_enabled_look(pf_of(fw), &e), -1);
	assert_string_equal(e.text, "pfctl does not say whether pf is enabled");
	assert_string_equal(journal, "info ");
	assert_int_equal(teardown(state), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_each_call), cmocka_unit_test(test_looking)};

	return cmocka_run_group_tests(tests, prepare, NULL);
}
