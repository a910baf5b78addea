/* The pf backend (macOS) with a pf that the test plays: each pfctl fails in turn, and in each way; whatever
 * is told as done must stand, and no state of before may live. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "between.h"
#include "journal.h"
#include "os/firewall/pf/pf.h"
#include "os/firewall/probe.h"
#include "os/host/clock.h"
#include "os/host/file.h"
#include "os/host/lockfile.h"
#include "os/process/tool.h"
#include "pause_watchdog_standin.h"
#include "policy_cases.h"

enum { TEXT = PRINT_SIZE, FALLBACK = 1 };
enum way { REFUSED, LIED, BUSY, WAYS };

static struct {
	char anchor[2][TEXT], rules[TEXT], nat[TEXT];
	bool enabled, reference;
	unsigned step, loaded, killed; /* when the policy was loaded and the states were killed last */
	const char *skipped;
} pf;

static unsigned calls, fail_at; /* 0: none fails */
static enum way way;
static char failed[256]; /* the call that did */
static char token[32];   /* the file of it */
static int held_by;
static enum probed probed; /* what passes, whatever pf says */
static bool hangs;

static struct firewall *fw;
static struct situation locked, dialling, opened;
static struct err e;

/* --- pf ---------------------------------------------------------------------------- */

static void show(char *to, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));
static void show(char *to, size_t size, const char *format, ...)
{
	size_t used = strlen(to);
	va_list ap;

	va_start(ap, format);
	vsnprintf(to + used, size - used, format, ap);
	va_end(ap);
}

/* As many rules as the text makes, told apart by the text; the last two stop everything. */
static void show_anchor(const char *text, char *to, size_t size)
{
	size_t count = pf_count_rules(text);
	unsigned long hash = 5381;

	for (const char *at = text; *at != '\0'; at++)
		hash = hash * 33 + (unsigned char)*at;
	for (size_t i = 2; i < count; i++)
		show(to, size, "pass quick on en%zu all label \"%lx\"\n", i, hash);
	if (count >= 2)
		show(to, size, "block drop out quick all\nblock drop in quick all\n");
}

static void load_main(const char *text)
{
	char copy[TEXT], *rest = copy, *line;

	snprintf(copy, sizeof copy, "%s", text);
	pf.rules[0] = pf.nat[0] = '\0';
	while ((line = strsep(&rest, "\n")) != NULL) {
		bool nat = strncmp(line, "nat", 3) == 0 || strncmp(line, "rdr", 3) == 0;
		bool whole = strstr(line, " all") != NULL;
		char *to = nat ? pf.nat : pf.rules;

		line[strcspn(line, "#")] = '\0';
		if (line[0] != '\0' && strncmp(line, "dummynet", 8) != 0)
			show(to, TEXT, "%s%s\n", line, whole ? "" : " all");
	}
}

static void answer(const char *call, const char *input, char *to, size_t size)
{
	int which = strstr(call, "com.apple") != NULL ? FALLBACK : 0;

	if (strstr(call, " -n ") != NULL)
		return;
	if (strncmp(call, " -o none -a ", 12) == 0) {
		snprintf(pf.anchor[which], TEXT, "%s", input);
		pf.loaded = which == 0 ? ++pf.step : pf.loaded;
	} else if (strcmp(call, " -f -") == 0) {
		load_main(input);
	} else if (strstr(call, " -v -s rules") != NULL) {
		show_anchor(pf.anchor[which], to, size);
	} else if (strcmp(call, " -s rules") == 0) {
		show(to, size, "%s", pf.rules);
	} else if (strcmp(call, " -s nat") == 0) {
		show(to, size, "%s", pf.nat);
	} else if (strcmp(call, " -s Interfaces -v") == 0) {
		show(to, size, "ALL\nen0%s\nlo0\n", pf.skipped);
	} else if (strcmp(call, " -s info") == 0) {
		show(to, size, "Status: %s for 0 days 00:00:00\n", pf.enabled ? "Enabled" : "Disabled");
	} else if (strcmp(call, " -s References") == 0) {
		show(to, size,
		     pf.reference ? "TOKENS:\nPID      Process Name                 TOKEN\n"
				    "4063     portcullisd                  77\n"
				  : "No pf starter references held\n");
	} else if (strcmp(call, " -E") == 0) {
		pf.enabled = pf.reference = true;
		show(to, size, "pf enabled\nToken : 77\n");
	} else if (strcmp(call, " -X 77") == 0) {
		pf.reference = false;
	} else if (strcmp(call, " -F states") == 0) {
		pf.killed = ++pf.step;
	} else if (strcmp(call, " -s dummynet") != 0) {
		fail_msg("pfctl%s: nobody should say that", call);
	}
}

int tool_ask_all(const char *const *argv, const char *input, int milliseconds, char *output, size_t size,
		 struct err *error)
{
	char call[256] = "";

	assert_int_equal(argv[0][0], '/');
	assert_between(milliseconds, 1, 2000);
	output[0] = '\0';
	for (size_t i = 1; argv[i] != NULL; i++)
		show(call, sizeof call, " %s", argv[i]);
	show(journal, JOURNAL, "%s;", call);
	while (hangs)
		(void)pause();
	if (++calls == fail_at) {
		strcpy(failed, call);
		if (way == BUSY)
			show(output, size, "pfctl: DIOCXBEGIN: Device busy\n");
		if (way != LIED)
			return err_set(error, "made to fail");
		return 0;
	}
	answer(call, input == NULL ? "" : input, output, size);
	return 0;
}

/* --- what else it uses: nothing of this machine ----------------------------------------- */

int file_load(const char *path, char *to, size_t size)
{
	(void)path;
	if (token[0] == '\0')
		return -1;
	snprintf(to, size, "%s", token);
	return 0;
}

int file_save(const char *path, const char *text, bool durable)
{
	(void)path;
	assert_true(durable);
	snprintf(token, sizeof token, "%s", text);
	return 0;
}

int file_folder_of(const char *file, mode_t mode, struct err *error)
{
	(void)file, (void)error;
	assert_int_equal(mode, 0700);
	return 0;
}

int unlink(const char *path)
{
	assert_non_null(strstr(path, "pf.token"));
	token[0] = '\0';
	return 0;
}

int lockfile_open(const char *path, struct err *error)
{
	(void)path, (void)error;
	return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

int lockfile_lock(int descriptor, int32_t *pid)
{
	(void)descriptor;
	*pid = held_by;
	return held_by != 0;
}

int lockfile_owner(int descriptor, int32_t *pid)
{
	(void)descriptor;
	*pid = held_by;
	return 0;
}

int lockfile_owner_at(const char *path, int32_t *pid)
{
	(void)path;
	*pid = held_by;
	return 0;
}

enum probed probe_as_nobody(const struct situation *s, const char **link)
{
	*link = s->links[0];
	return probed;
}

/* --- the world ------------------------------------------------------------------------------ */

static const char apples[] = "scrub-anchor \"com.apple/*\"\nnat-anchor \"com.apple/*\"\n"
			     "rdr-anchor \"com.apple/*\"\nanchor \"com.apple/*\"\n";

static void heal(void)
{
	calls = fail_at = 0;
	journal[0] = '\0';
}

static int setup(void **state)
{
	(void)state;
	memset(&pf, 0, sizeof pf);
	pf.skipped = "";
	load_main(apples);
	token[0] = '\0';
	watchdog_runs = watchdog_fails = false;
	held_by = 0;
	probed = PROBED_REFUSED;
	hangs = false;
	heal();
	locked = situation_named("locked");
	dialling = situation_named("dialling-udp4");
	opened = situation_named("open");
	fw = firewall_pf.open(&e);
	assert_non_null(fw);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	firewall_pf.close(fw);
	return 0;
}

/* Is it what pf does, for every packet? */
static bool stands(const struct situation *s)
{
	static char wanted[TEXT];

	assert_int_equal(policy_print_pf(s, wanted, sizeof wanted, &e), 0);
	return strcmp(pf.anchor[0], wanted) == 0 && pf.enabled && pf.reference && pf.skipped[0] == '\0' &&
	       pf_judge_main(PF_APPLE, pf.rules, pf.nat) == NULL;
}

static int set(const struct situation *s)
{
	return (firewall_pf.assert)(fw, s, &e);
}

static void be(const struct situation *s)
{
	heal();
	if (set(s) != 0)
		fail_msg("%s", e.text);
	assert_true(stands(s));
}

/* --- each in turn --------------------------------------------------------------------------------- */

static void fail_each_call(const struct situation *before, const struct situation *after, bool fresh)
{
	unsigned all;

	be(before);
	pf_of(fw)->fresh_until = fresh ? INT64_MAX : 0;
	be(after);
	all = calls;
	for (unsigned i = 1; i <= all; i++) {
		for (way = REFUSED; way < WAYS; way++) {
			unsigned begun;
			int result;

			be(before);
			pf_of(fw)->fresh_until = fresh ? INT64_MAX : 0;
			heal();
			begun = pf.step;
			fail_at = i;
			e.text[0] = '\0';
			result = set(after);
			if (result == 0) {
				assert_true(stands(after));
				/* A killing that is told and not done is seen by nobody. */
				assert_true(after->state == POLICY_OPEN || way == LIED ||
					    (pf.killed > begun && pf.killed > pf.loaded));
			} else {
				assert_true(!pf_of(fw)->armed && e.text[0] != '\0');
			}
			be(after);
		}
	}
}

static void test_a_flip_is_whole_or_told(void **state)
{
	(void)state;
	fail_each_call(&locked, &dialling, true);
	fail_each_call(&dialling, &opened, true);
	fail_each_call(&opened, &locked, true);
}

static void test_a_whole_look_is_whole_or_told(void **state)
{
	(void)state;
	fail_each_call(&locked, &dialling, false);
	fail_each_call(&opened, &locked, false);
}

static void test_the_first_lock(void **state)
{
	unsigned all;

	be(&locked);
	all = calls;
	assert_true(pf.killed > pf.loaded);
	for (unsigned i = 1; i <= all; i++) {
		for (way = REFUSED; way < WAYS; way++) {
			teardown(state);
			setup(state);
			fail_at = i;
			e.text[0] = '\0';
			if (set(&locked) == 0)
				assert_true(stands(&locked) && (way == LIED || pf.killed > pf.loaded));
			else
				assert_true(!pf_of(fw)->armed && e.text[0] != '\0');
		}
	}
}

/* The policy stands before it is asked for; states go after the load. */
static void test_the_order(void **state)
{
	(void)state;
	be(&locked);
	assert_true(is_before("-a org.portcullis -f -", " -f -;"));
	assert_true(is_before("-a org.portcullis -f -", " -E;"));
	assert_true(is_before("-a org.portcullis -f -", " -F states;"));
	assert_true(is_before(" -F states;", "-a org.portcullis -v -s rules;"));
	assert_string_equal(token, "77\n");
	assert_true(pf.anchor[FALLBACK][0] != '\0');
	be(&dialling);
	assert_string_equal(journal,
			    " -o none -a org.portcullis -f -; -F states; -a org.portcullis -v -s rules;");
	be(&dialling);
	assert_string_equal(journal, " -a org.portcullis -v -s rules;"); /* only looked at */
}

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

static void test_the_lockfile_of_another(void **state)
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

static void test_a_pause_in_turn(void **state)
{
	unsigned all;

	(void)state;
	assert_int_equal(firewall_pf.pause(fw, 60, &e), -1); /* before the gate is shut */
	be(&locked);
	assert_int_equal(firewall_pf.pause(fw, 0, &e), -1);
	watchdog_fails = true;
	assert_int_equal(firewall_pf.pause(fw, 60, &e), -1);
	assert_true(stands(&locked));
	watchdog_fails = false;
	heal();
	assert_int_equal(firewall_pf.pause(fw, 60, &e), 0);
	assert_true(watchdog_runs);
	assert_int_equal(pf_count_rules(pf.anchor[0]) + pf_count_rules(pf.anchor[FALLBACK]), 0);
	all = calls;
	for (unsigned i = 1; i <= all; i++) {
		be(&locked);
		assert_false(watchdog_runs);
		heal();
		fail_at = i;
		way = REFUSED;
		assert_int_equal(firewall_pf.pause(fw, 60, &e), -1);
	}
	be(&locked);
	pf.killed = 0;
	heal();
	assert_int_equal(firewall_pf.pause(fw, 60, &e), 0);
	pf.killed = 0;
	be(&locked);
	assert_true(pf.killed > 0); /* no state of the pause lives */
	assert_true(pf.anchor[FALLBACK][0] != '\n');
}

static void test_removal_in_turn(void **state)
{
	unsigned all;

	(void)state;
	be(&locked);
	heal();
	assert_int_equal(firewall_pf.remove(fw, &e), 0);
	all = calls;
	assert_int_equal(pf_count_rules(pf.anchor[0]) + pf_count_rules(pf.anchor[FALLBACK]), 0);
	assert_false(pf_calls_us(pf.rules, pf.nat));
	assert_non_null(strstr(pf.rules, "com.apple"));
	assert_true(pf.enabled && !pf.reference);
	assert_string_equal(token, "");
	for (unsigned i = 1; i <= all; i++) {
		be(&locked);
		heal();
		fail_at = i;
		way = REFUSED;
		e.text[0] = '\0';
		assert_int_equal(firewall_pf.remove(fw, &e), -1);
		assert_true(e.text[0] != '\0');
		/* All of the rest is tried. */
		assert_true(pf_count_rules(pf.anchor[0]) == 0 || strstr(failed, "org.portcullis -f") != NULL);
		heal();
		assert_int_equal(firewall_pf.remove(fw, &e), 0);
	}
}

static void test_what_it_tells(void **state)
{
	struct firewall_features features;
	uint64_t packets = 99;

	(void)state;
	assert_int_equal(firewall_pf.blocked(fw, &packets, &e), -1);
	be(&locked);
	assert_int_equal(firewall_pf.blocked(fw, &packets, &e), 0);
	assert_int_equal(packets, 0);
	heal();
	fail_at = 1;
	way = REFUSED;
	assert_int_equal(firewall_pf.blocked(fw, &packets, &e), -1);
	heal();
	assert_int_equal(firewall_pf.probe(fw, &features, &e), 0);
	assert_int_equal(features.count, 3);
	assert_true(features.list[0].has && features.list[1].has && features.list[2].has);
	heal();
	fail_at = 1;
	assert_int_equal(firewall_pf.probe(fw, &features, &e), -1);
	pf.killed = 0;
	heal();
	assert_int_equal(firewall_pf.forget_states(fw, &e), 0);
	assert_true(pf.killed > 0);
	heal();
	fail_at = 1;
	assert_int_equal(firewall_pf.forget_states(fw, &e), -1);
}

/* Busy without end is given up, in a bounded time. */
static void test_busy_without_end(void **state)
{
	int64_t begun;

	(void)state;
	be(&locked);
	begun = clock_steady_ms();
	pf_of(fw)->deadline = begun - 1;
	heal();
	assert_int_equal(pf_exec(pf_of(fw), (const char *const[]){"-F", "states", NULL}, NULL, &e), -1);
	assert_int_equal(calls, 0);
	assert_non_null(strstr(e.text, "took too long"));
	pf_give_time(pf_of(fw));
	assert_between(pf_of(fw)->deadline - clock_steady_ms(), 5000, 6000);
}

/* --- the watch ------------------------------------------------------------------------------ */

static unsigned told;
static char what[256];

static void on_change(const char *words, void *argument)
{
	(void)argument;
	told++;
	snprintf(what, sizeof what, "%s", words);
}

/* Until it is told of something, or for so long. */
static void watch_for(struct event_base *base, int64_t most)
{
	int64_t begun = clock_steady_ms();

	told = 0;
	what[0] = '\0';
	while (told == 0 && clock_steady_ms() < begun + most) {
		event_base_loop(base, EVLOOP_NONBLOCK);
		(void)poll(NULL, 0, 5);
	}
}

static void test_the_watch(void **state)
{
	struct event_base *base = event_base_new();

	(void)state;
	be(&locked);
	pf_of(fw)->fresh_until = 0;
	assert_int_equal(firewall_pf.watch(fw, base, on_change, NULL, &e), 0);
	watch_for(base, 1800);
	assert_int_equal(told, 0);
	assert_true(pf_of(fw)->fresh_until > clock_steady_ms()); /* seen, and believed for a while */
	load_main(apples);
	watch_for(base, 4000);
	assert_non_null(strstr(what, "our anchor"));
	assert_true(pf_of(fw)->fresh_until == 0 && pf_of(fw)->tainted);
	be(&locked);
	pf.enabled = false;
	watch_for(base, 4000);
	assert_non_null(strstr(what, "disabled"));
	be(&locked);
	pf.anchor[FALLBACK][0] = '\0'; /* nothing passes by that alone: filled again, no news */
	watch_for(base, 1800);
	assert_int_equal(told, 0);
	assert_true(pf_count_rules(pf.anchor[FALLBACK]) > 2);
	pf.anchor[0][0] = '\0';
	watch_for(base, 4000);
	assert_non_null(strstr(what, "emptied"));
	teardown(NULL);
	event_base_free(base);
	setup(NULL);
}

/* A datagram that passes is a leak whatever pf says, and only a refusal ends the doubt. */
static void test_a_leak(void **state)
{
	struct event_base *base = event_base_new();

	(void)state;
	be(&locked);
	assert_int_equal(firewall_pf.watch(fw, base, on_change, NULL, &e), 0);
	probed = PROBED_OUT;
	watch_for(base, 4000);
	assert_string_equal(what, "a datagram got out of en0");
	heal();
	assert_int_equal(set(&locked), -1);
	assert_non_null(strstr(e.text, "got out of en0"));
	probed = PROBED_NOTHING;
	assert_int_equal(set(&locked), -1);
	probed = PROBED_REFUSED;
	be(&locked);
	teardown(NULL);
	event_base_free(base);
	setup(NULL);
}

static void test_a_pfctl_that_hangs(void **state)
{
	struct event_base *base = event_base_new();
	int64_t begun;

	(void)state;
	be(&locked);
	assert_int_equal(firewall_pf.watch(fw, base, on_change, NULL, &e), 0);
	begun = clock_steady_ms();
	hangs = true;
	watch_for(base, 9000);
	hangs = false;
	assert_non_null(strstr(what, "pfctl does not answer"));
	assert_between(clock_steady_ms() - begun, 3000, 6900);
	be(&locked);
	watchdog_runs = false;
	pf_of(fw)->paused = true;
	watch_for(base, 4000);
	assert_non_null(strstr(what, "pause"));
	teardown(NULL);
	event_base_free(base);
	setup(NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_a_flip_is_whole_or_told),
	    TEST(test_a_whole_look_is_whole_or_told),
	    TEST(test_the_first_lock),
	    TEST(test_the_order),
	    TEST(test_what_others_change),
	    TEST(test_the_lockfile_of_another),
	    TEST(test_a_pause_in_turn),
	    TEST(test_removal_in_turn),
	    TEST(test_what_it_tells),
	    TEST(test_busy_without_end),
	    TEST(test_the_watch),
	    TEST(test_a_leak),
	    TEST(test_a_pfctl_that_hangs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
