/* What the pf backend asks of pfctl, call by call, and what follows when one fails, in each way: against a
 * golden file, whose first lines say how to read it. Whatever is told as done must stand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "pf_standin.h"
#include "scenarios.h"

#define GOLDEN "tests/golden/calls/pf_" /* and the dialect */

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

/* So old is what was looked at. */
static void is_locked_before(int64_t milliseconds)
{
	be(&locked);
	the_time += milliseconds;
}

static void just_believed(void)
{
	is_locked_before(1999);
}

static void no_longer_believed(void)
{
	is_locked_before(2000);
}

static void open_and_old(void)
{
	be(&opened);
	the_time += 2000;
}

static void others_have_ruled(void)
{
	be(&opened);
	pf_of(fw)->tainted = true;
}

static void was_emptied(void)
{
	no_longer_believed();
	pf.anchor[0][0] = '\0';
}

static void another_was_loaded(void)
{
	just_believed();
	strcpy(pf.anchor[0], "pass quick all\npass out all\npass in all\n");
}

static void pf_is_off(void)
{
	no_longer_believed();
	pf.enabled = false;
}

static void reference_is_gone(void)
{
	no_longer_believed();
	pf.reference = false;
}

static void earlier_life(void)
{
	strcpy(token, "77\n");
	pf.enabled = pf.reference = true;
}

static void token_of_another(void)
{
	strcpy(token, "78\n");
	pf.enabled = pf.reference = true;
}

static void disk_is_full(void)
{
	folder_kept = false;
	lockfile_fails = true;
}

static void no_room_for_the_token(void)
{
	token_kept = false;
}

static void unreadable_token(void)
{
	strcpy(token, "77 or so\n");
}

static void skips(void)
{
	no_longer_believed();
	pf.skipped = " (skip)";
}

static void has_binat(void)
{
	strcat(pf.nat, "binat on en0 from 10.0.0.1 to any -> 10.0.0.2 all\n");
}

static void own_spelling_refused(void)
{
	pf.refused = 1;
	pf_conf = "scrub-anchor \"com.apple/*\"\nanchor \"com.apple/*\"\n";
}

static void conf_refused(void)
{
	own_spelling_refused();
	pf.refused = 2;
}

static void stock_refused(void)
{
	own_spelling_refused();
	pf.refused = 3;
}

/* They fit one by one, and not together. */
static void too_many_rules(void)
{
	while (strlen(pf.rules) < 40 * 1024) {
		show(pf.rules, TEXT, "anchor \"another/of/many\" all\n");
		show(pf.nat, TEXT, "rdr-anchor \"another/of/many\" all\n");
	}
	pf_conf = apples;
}

static void too_long_a_conf(void)
{
	static char conf[TEXT + 1];

	memset(conf, '#', TEXT);
	memcpy(conf, apples, strlen(apples));
	own_spelling_refused();
	pf_conf = conf;
}

static void no_conf(void)
{
	pf.refused = 1;
}

static void conf_is_a_folder(void)
{
	no_conf();
	conf_is_folder = true;
}

static void leaks(void)
{
	be(&locked);
	pf_of(fw)->fresh_until = 0;
	strcpy(pf_of(fw)->leaked, "en0");
}

static void leaks_still(void)
{
	leaks();
	shared->probed = PROBED_OUT;
}

static struct pf_firewall before_pause; /* what the watchdog has of the daemon's memory */

static void pause_after(const struct situation *s)
{
	be(s);
	before_pause = *pf_of(fw);
	assert_int_equal(firewall_pf.pause(fw, 60, &e), 0);
}

static void is_paused(void)
{
	pause_after(&locked);
}

/* By then the time of the call that began it is over. */
static void open_is_paused(void)
{
	pause_after(&opened);
	the_time += 60000;
}

static void dialling_is_paused(void)
{
	pause_after(&dialling);
}

static void it_does_not_leave(void)
{
	is_paused();
	watchdog_stays = true;
}

static void token_file_changed(void)
{
	no_longer_believed();
	strcpy(token, "78\n");
}

static void ours_are_not_called(void)
{
	is_locked();
	load_main(apples);
}

static void was_removed(void)
{
	be(&locked);
	assert_int_equal(firewall_pf.remove(fw, &e), 0);
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

static int move(void)
{
	return set(&moved);
}

static int pause_it(void)
{
	return firewall_pf.pause(fw, 60, &e);
}

static int pause_for_nothing(void)
{
	return firewall_pf.pause(fw, 0, &e);
}

/* In the watchdog. */
static int watchdog_shuts(void)
{
	*pf_of(fw) = before_pause;
	pf_of(fw)->deadline = 0;
	return watchdog_work.close(watchdog_work.argument, &e);
}

static int remove_all(void)
{
	return firewall_pf.remove(fw, &e);
}

static int count(void)
{
	uint64_t packets;

	pf_of(fw)->armed = false;
	return firewall_pf.blocked(fw, &packets, &e);
}

static int forget(void)
{
	return firewall_pf.forget_states(fw, &e);
}

static int probe(void)
{
	struct firewall_features features;
	int result = firewall_pf.probe(fw, &features, &e);

	for (size_t i = 0; i < features.count && result == 0; i++)
		show(journal, JOURNAL, "%s", features.list[i].has ? "+ " : "- ");
	return result;
}

/* --- and what must be true then ------------------------------------------------------------------------ */

static bool locks(void)
{
	if (token_kept && folder_kept && strcmp(token, "77\n") != 0)
		return false;
	return stands(&locked) && pf_of(fw)->armed && !watchdog_runs;
}

static bool dials(void)
{
	return stands(&dialling) && pf_of(fw)->armed;
}

static bool is_it_open(void)
{
	return stands(&opened) && pf_of(fw)->armed;
}

static bool is_moved(void)
{
	return stands(&moved) && pf_of(fw)->armed;
}

static bool has_none(void)
{
	return pf_count_rules(pf.anchor[0]) == 0 && !pf_of(fw)->armed;
}

static bool pauses(void)
{
	return has_none() && watchdog_runs && pf_of(fw)->paused;
}

static bool shuts(void)
{
	return stands(&locked) && pf_of(fw)->armed;
}

/* The lock of what was known then: its links, its tunnel, and no server. */
static bool shuts_what_was(const struct situation *before)
{
	struct situation lock = *before;

	lock.state = POLICY_LOCKED;
	memset(&lock.endpoint, 0, sizeof lock.endpoint);
	return stands(&lock) && pf_of(fw)->armed;
}

static bool shuts_what_was_open(void)
{
	return shuts_what_was(&opened);
}

static bool shuts_what_dialled(void)
{
	return shuts_what_was(&dialling);
}

/* Whatever the file says: the reference that is known is the one. */
static bool locks_by_what_is_known(void)
{
	return stands(&locked) && pf_of(fw)->token == 77;
}

/* What is told and was not done keeps the gate shut, and is not looked for. */
static bool is_removed(void)
{
	if (fail_at > 0 && (way == LIED || way == COMPLAINS || way == HALF))
		return true;
	return has_none() && !pf_calls_us(pf.rules, pf.nat) && !watchdog_runs && !pf.reference &&
	       token[0] == '\0' && pf_of(fw)->lockfile == -1;
}

static bool states_gone(void)
{
	return pf.killed == pf.step;
}

static bool anything(void)
{
	return true;
}

static const struct scenario scenarios[] = {
    {"the first lock", nothing, lock, locks, WAYS},
    {"the first lock, of a life before this one pf is held", earlier_life, lock, locks, COMPLAINS},
    {"the first lock, the reference is somebody else's", token_of_another, lock, locks, COMPLAINS},
    {"the first lock, the disk is full", disk_is_full, lock, locks, COMPLAINS},
    {"the first lock, the token can't be kept", no_room_for_the_token, lock, locks, COMPLAINS},
    {"the first lock, the token can't be read", unreadable_token, lock, locks, COMPLAINS},
    {"the first lock, with a binat", has_binat, lock, locks, COMPLAINS},
    {"the first lock, the main rules are not taken back", own_spelling_refused, lock, locks, COMPLAINS},
    {"the first lock, nor those of pf.conf", conf_refused, lock, locks, COMPLAINS},
    {"the first lock, nor those of the system", stock_refused, lock, locks, COMPLAINS},
    {"the first lock, too many main rules stand", too_many_rules, lock, locks, COMPLAINS},
    {"the first lock, and pf.conf is too long", too_long_a_conf, lock, locks, COMPLAINS},
    {"the first lock, and there is no pf.conf", no_conf, lock, locks, COMPLAINS},
    {"the first lock, and pf.conf can't be read", conf_is_a_folder, lock, locks, COMPLAINS},
    {"locked to dialling", is_locked, dial, dials, WAYS},
    {"locked to dialling, just believed", just_believed, dial, dials, COMPLAINS},
    {"locked to dialling, no longer believed", no_longer_believed, dial, dials, COMPLAINS},
    {"dialling to open", is_dialling, be_open, is_it_open, COMPLAINS},
    {"open to open", is_open, be_open, is_it_open, COMPLAINS},
    {"open to open, others have ruled meanwhile", others_have_ruled, be_open, is_it_open, COMPLAINS},
    {"open to open on other links", is_open, move, is_moved, COMPLAINS},
    {"open to open, no longer believed", open_and_old, be_open, is_it_open, COMPLAINS},
    {"open to locked", is_open, lock, locks, COMPLAINS},
    {"locked again, our anchor was emptied", was_emptied, lock, locks, COMPLAINS},
    {"locked again, another was loaded", another_was_loaded, lock, locks, COMPLAINS},
    {"locked again, pf is off", pf_is_off, lock, locks, COMPLAINS},
    {"locked again, the reference is gone", reference_is_gone, lock, locks, COMPLAINS},
    {"locked again, the token's file was changed", token_file_changed, lock, locks_by_what_is_known,
     COMPLAINS},
    {"locked again, pf skips a link", skips, lock, locks, COMPLAINS},
    {"locked again, after a leak", leaks, lock, locks, COMPLAINS},
    {"locked again, it leaks still", leaks_still, lock, locks, COMPLAINS},
    {"a pause", is_locked, pause_it, pauses, WAYS},
    {"a pause of 0 seconds", is_locked, pause_for_nothing, pauses, COMPLAINS},
    {"a pause of what is not shut", nothing, pause_it, pauses, COMPLAINS},
    {"the pause ends", is_paused, lock, locks, COMPLAINS},
    {"the pause ends, its watchdog does not leave", it_does_not_leave, lock, locks, COMPLAINS},
    {"the watchdog ends the pause", is_paused, watchdog_shuts, shuts, COMPLAINS},
    {"the watchdog ends a pause of what was open", open_is_paused, watchdog_shuts, shuts_what_was_open,
     COMPLAINS},
    {"the watchdog ends a pause of what dialled", dialling_is_paused, watchdog_shuts, shuts_what_dialled,
     COMPLAINS},
    {"removal", is_locked, remove_all, is_removed, WAYS},
    {"removal in a pause", is_paused, remove_all, is_removed, COMPLAINS},
    {"removal, its watchdog does not leave", it_does_not_leave, remove_all, is_removed, COMPLAINS},
    {"removal, the main rules do not call us", ours_are_not_called, remove_all, is_removed, COMPLAINS},
    {"removal of nothing", nothing, remove_all, is_removed, COMPLAINS},
    {"removal of what a life before this one left", earlier_life, remove_all, is_removed, COMPLAINS},
    {"locked again after a removal", was_removed, lock, locks, COMPLAINS},
    {"what was stopped", is_locked, count, anything, COMPLAINS},
    {"what was stopped, of nothing", nothing, count, anything, COMPLAINS},
    {"forgetting states", is_locked, forget, states_gone, COMPLAINS},
    {"what there is", is_locked, probe, anything, COMPLAINS},
    {"what there is, before all", nothing, probe, anything, COMPLAINS},
};

static void test_each_call(void **state)
{
	(void)state;
	show(
	    text, sizeof text, "%s",
	    "# For each step: what is asked of pfctl, and what came of it, if nothing fails (-), and if the "
	    "call of\n"
	    "# that number fails in that way. ( and ) are around the flip, | is before what is read back.\n");
	for (size_t i = 0; i < sizeof scenarios / sizeof scenarios[0]; i++)
		run_all(&scenarios[i]);
	assert_golden(GOLDEN "apple.txt", text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_each_call)};

	return cmocka_run_group_tests(tests, prepare, NULL);
}
