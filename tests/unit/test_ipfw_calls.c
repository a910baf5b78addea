/* What the ipfw backend asks of its tool, call by call, and what follows when one fails, in each way: against
 * a golden file, whose first lines say how to read it. Whatever is told as done must stand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "ipfw_standin.h"
#include "scenarios.h"

/* --- what is before --------------------------------------------------------------------------- */

static void nothing(void)
{
}

static void is_locked(void)
{
	be(&locked);
}

static void is_dialling(void)
{
	be(&dialling);
}

static void is_open(void)
{
	be(&opened);
}

static void is_loaded(void)
{
	ipfw.loaded = true;
	ipfw.on = true;
}

static void is_off(void)
{
	be(&locked);
	ipfw.on = false;
}

static void sets_are_disabled(void)
{
	be(&locked);
	ipfw.disabled = 1u << 26 | 1u << 27;
}

static void floor_is_gone(void)
{
	be(&locked);
	delete_rules(IPFW_FLOOR_SET, 0);
}

static void rules_are_gone(void)
{
	be(&locked);
	delete_rules(26, 0);
	delete_rules(27, 0);
}

static void one_more_rule(void)
{
	be(&locked);
	add_rule(1, 26, "allow ip from any to any");
}

static void one_is_another(void)
{
	be(&locked);
	strcpy(ipfw.rules[ipfw.count / 2].body, "allow ip from any to any // row 3");
}

static void other_set_is_enabled(void)
{
	be(&locked);
	add_rule(1, 27, "allow ip from any to any");
	ipfw.disabled = 0;
}

static void other_set_is_filled(void)
{
	be(&locked);
	add_rule(1, 27, "allow ip from any to any");
}

static void foreign_rule_first(void)
{
	be(&locked);
	add_rule(0, 0, "allow ip from any to any");
}

static void nothing_can_be_disabled(void)
{
	ipfw.stuck = true;
}

static void sets_stay_enabled(void)
{
	be(&locked);
	ipfw.stuck = true;
}

static void floor_stays(void)
{
	be(&locked);
	ipfw.floor_stays = true;
}

static void leaks(void)
{
	be(&locked);
	probed = PROBED_OUT;
}

static void leaks_no_more(void)
{
	leaks();
	assert_int_equal(set(&locked), -1);
	probed = PROBED_REFUSED;
}

static void floor_alone(void)
{
	is_loaded();
	add_rule(IPFW_FLOOR_NUMBER, IPFW_FLOOR_SET, IPFW_FLOOR);
}

static void set_alone(void)
{
	is_loaded();
	add_rule(1, 26, "deny ip from any to any // row 11");
}

static void other_set_alone(void)
{
	is_loaded();
	add_rule(1, 27, "deny ip from any to any // row 11");
}

static void is_paused(void)
{
	be(&locked);
	assert_int_equal(firewall_ipfw.pause(fw, 60, &e), 0);
}

static void it_does_not_leave(void)
{
	is_paused();
	watchdog_stays = true;
}

/* --- what is done --------------------------------------------------------------------------------- */

static int lock(void)
{
	return set(&locked);
}

static int dial(void)
{
	return set(&dialling);
}

static int be_open(void)
{
	return set(&opened);
}

static int pause_it(void)
{
	return firewall_ipfw.pause(fw, 60, &e);
}

static int watchdog_shuts(void)
{
	return watchdog_work.close(watchdog_work.argument, &e);
}

static int remove_all(void)
{
	return firewall_ipfw.remove(fw, &e);
}

static int own(void)
{
	int32_t pid = 99;
	int result = firewall_ipfw.owner(fw, &pid, &e);

	show(journal, JOURNAL, "%d ", (int)pid);
	return result;
}

static int count(void)
{
	uint64_t packets = 99;
	int result = firewall_ipfw.blocked(fw, &packets, &e);

	if (result == 0)
		show(journal, JOURNAL, "%u ", (unsigned)packets);
	return result;
}

static int forget(void)
{
	return firewall_ipfw.forget_states(fw, &e);
}

static int probe(void)
{
	struct firewall_features features = {.count = 0};
	int result = firewall_ipfw.probe(fw, &features, &e);

	for (size_t i = 0; i < features.count && i < FIREWALL_FEATURES && result == 0; i++)
		show(journal, JOURNAL, "%s ", features.list[i].has ? "+" : "-");
	return result;
}

/* --- and what must be true then ------------------------------------------------------------------------ */

/* A state that a lie leaves is seen by nobody. */
static bool flipped(const struct situation *s)
{
	return stands(s) && ipfw_of(fw)->armed &&
	       ((fail_at != 0 && way == LIED) || ipfw.killed >= ipfw.flipped);
}

static bool locks(void)
{
	return flipped(&locked) && !ipfw_of(fw)->paused;
}

static bool dials(void)
{
	return flipped(&dialling);
}

static bool is_it_open(void)
{
	return flipped(&opened);
}

static bool pauses(void)
{
	static char rules[TEXT];

	return watchdog_runs && !has_floor() && deciding(rules, sizeof rules) == 0 && !ipfw_of(fw)->armed;
}

static bool shuts(void)
{
	return flipped(&locked);
}

static bool is_removed(void)
{
	return ipfw.count == 1 && ipfw.rules[0].number == 100 && ipfw.disabled == 0 && !watchdog_runs &&
	       !ipfw_of(fw)->armed;
}

static bool anything(void)
{
	return true;
}

static const struct scenario scenarios[] = {
    {"the first lock", nothing, lock, locks, WAYS},
    {"the first lock, ipfw is loaded", is_loaded, lock, locks, HALF},
    {"locked again", is_locked, lock, locks, HALF},
    {"the first lock, no set can be disabled", nothing_can_be_disabled, lock, locks, HALF},
    {"locked to dialling", is_locked, dial, dials, WAYS},
    {"dialling to open", is_dialling, be_open, is_it_open, HALF},
    {"open again", is_open, be_open, is_it_open, HALF},
    {"open to locked", is_open, lock, locks, HALF},
    {"locked again, ipfw is off", is_off, lock, locks, WAYS},
    {"locked again, both sets are disabled", sets_are_disabled, lock, locks, WAYS},
    {"locked again, the floor is gone", floor_is_gone, lock, locks, HALF},
    {"locked again, our rules are gone", rules_are_gone, lock, locks, HALF},
    {"locked again, one more rule", one_more_rule, lock, locks, HALF},
    {"locked again, one is another", one_is_another, lock, locks, HALF},
    {"locked again, the other set is enabled", other_set_is_enabled, lock, locks, HALF},
    {"locked again, the other set has rules", other_set_is_filled, lock, locks, HALF},
    {"locked again, a foreign rule comes first", foreign_rule_first, lock, locks, HALF},
    {"locked again, it leaks", leaks, lock, locks, HALF},
    {"locked again, it leaks no more", leaks_no_more, lock, locks, HALF},
    {"a pause", is_locked, pause_it, pauses, WAYS},
    {"a pause, no set can be disabled", sets_stay_enabled, pause_it, pauses, HALF},
    {"a pause, the floor can't be deleted", floor_stays, pause_it, pauses, HALF},
    {"a pause of what is not locked", is_open, pause_it, pauses, HALF},
    {"a pause of nothing", nothing, pause_it, pauses, HALF},
    {"the pause ends", is_paused, lock, locks, WAYS},
    {"the pause ends, its watchdog does not leave", it_does_not_leave, lock, locks, HALF},
    {"the watchdog ends the pause", is_paused, watchdog_shuts, shuts, HALF},
    {"removal", is_locked, remove_all, is_removed, WAYS},
    {"removal of what dials", is_dialling, remove_all, is_removed, HALF},
    {"removal of nothing", is_loaded, remove_all, is_removed, HALF},
    {"removal without ipfw", nothing, remove_all, is_removed, HALF},
    {"removal of a floor", floor_alone, remove_all, is_removed, HALF},
    {"removal of a set", set_alone, remove_all, is_removed, HALF},
    {"removal of the other set", other_set_alone, remove_all, is_removed, HALF},
    {"removal in a pause", is_paused, remove_all, is_removed, HALF},
    {"removal, its watchdog does not leave", it_does_not_leave, remove_all, is_removed, HALF},
    {"whose it is", is_locked, own, anything, HALF},
    {"whose it is, of nothing", is_loaded, own, anything, HALF},
    {"whose it is, without ipfw", nothing, own, anything, HALF},
    {"whose a floor is", floor_alone, own, anything, HALF},
    {"whose a set is", set_alone, own, anything, HALF},
    {"whose the other set is", other_set_alone, own, anything, HALF},
    {"what was stopped", is_locked, count, anything, HALF},
    {"what was stopped, after a flip", is_dialling, count, anything, HALF},
    {"what was stopped, of nothing", is_loaded, count, anything, HALF},
    {"what was stopped, without ipfw", nothing, count, anything, HALF},
    {"forgetting states", is_locked, forget, anything, HALF},
    {"forgetting states, without ipfw", nothing, forget, anything, HALF},
    {"what there is", is_loaded, probe, anything, HALF},
    {"what there is, without ipfw", nothing, probe, anything, HALF},
};

static void test_each_call(void **state)
{
	(void)state;
	show(text, sizeof text, "%s",
	     "# For each step: what is asked of ipfw, and what came of it, if nothing fails (-), and if the "
	     "call of\n"
	     "# that number fails in that way. A batch of commands is one word; ( is before the flip, | "
	     "before what is\n"
	     "# read back.\n");
	for (size_t i = 0; i < sizeof scenarios / sizeof scenarios[0]; i++)
		run_all(&scenarios[i]);
	assert_golden("tests/golden/calls/ipfw.txt", text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_each_call)};

	return cmocka_run_group_tests(tests, prepare, NULL);
}
