/* The pf backend's watch (macOS), second by second: what it sees, what it tells, and what is left of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "pf_standin.h"
#include "watch_memory.h"

static int spare_descriptor;
static unsigned descriptors; /* so many are open while nothing is looked at */
static unsigned forks;
static int no_fork, no_pid, no_word, no_place; /* errno of that call, once */

static bool is_due(int *number)
{
	errno = *number;
	*number = 0;
	return errno != 0;
}

pid_t fork(void)
{
	pid_t (*real)(void);

	*(void **)&real = dlsym(RTLD_NEXT, "fork");
	forks++;
	return is_due(&no_fork) ? -1 : real();
}

int dup2(int from, int to)
{
	int (*real)(int, int);

	*(void **)&real = dlsym(RTLD_NEXT, "dup2");
	return is_due(&no_place) ? -1 : real(from, to);
}

ssize_t read(int descriptor, void *to, size_t size)
{
	ssize_t (*real)(int, void *, size_t);

	*(void **)&real = dlsym(RTLD_NEXT, "read");
	if (is_due(&no_word))
		return -1;
	errno = EINTR; /* of a read that succeeds it says nothing */
	return real(descriptor, to, size);
}

/* Who takes himself for the child would end the test, and none would have failed. */
void _exit(int code)
{
	void (*real)(int);

	*(void **)&real = dlsym(RTLD_NEXT, "_exit");
	if (getpid() == own_pid)
		abort();
	real(code);
	abort();
}

#ifdef SYS_pidfd_open
long syscall(long number, ...)
{
	long (*real)(long, ...), words[6];
	va_list ap;

	if (number == SYS_pidfd_open && is_due(&no_pid))
		return -1;
	va_start(ap, number);
	for (size_t i = 0; i < 6; i++)
		words[i] = va_arg(ap, long);
	va_end(ap);
	*(void **)&real = dlsym(RTLD_NEXT, "syscall");
	return real(number, words[0], words[1], words[2], words[3], words[4], words[5]);
}
enum { CAN_FAIL = 2 };
#else
enum { CAN_FAIL = 1 };
#endif

static int begin_watching(void **state)
{
	setup(state);
	be(&locked);
	pf_of(fw)->fresh_until = 0;
	watch(&firewall_pf, fw);
	second();
	heal();
	(void)logged();
	spare_descriptor = next_descriptor();
	descriptors = open_descriptors();
	return 0;
}

static int end_watching(void **state)
{
	teardown(state);
	stop_watching();
	return 0;
}

/* All is right: that is believed for a while, from when the look began. */
static void test_all_is_right(void **state)
{
	(void)state;
	for (int i = 0; i < 4; i++) {
		the_time += 1000;
		begin_second();
		the_time += 500;
		hear_it_out();
		assert_int_equal(told, 0);
		assert_int_equal(pf_of(fw)->fresh_until, the_time - 500 + 2000);
		assert_false(pf_of(fw)->tainted);
		assert_int_equal(open_descriptors(), descriptors);
	}
}

static void empty_anchor(void)
{
	pf.anchor[0][0] = '\0';
}

static void load_another(void)
{
	strcpy(pf.anchor[0], "pass quick all\npass out all\npass in all\n");
}

static void load_other_main(void)
{
	load_main(apples);
}

static void switch_off(void)
{
	pf.enabled = false;
}

static void lose_reference(void)
{
	pf.reference = false;
}

static void skip_link(void)
{
	pf.skipped = " (skip)";
}

static void let_out(void)
{
	shared->probed = PROBED_OUT;
}

static const struct {
	void (*change)(void);
	const char *words, *leaked;
} changes[] = {{empty_anchor, "our anchor was emptied", ""},
	       {load_another, "the rules of our anchor were changed", ""},
	       {load_other_main, "the main rules do not call our anchor: somebody loaded others", ""},
	       {switch_off, "pf is disabled (`pfctl -d`)", ""},
	       {lose_reference, "our reference to pf is gone (`pfctl -d`)", ""},
	       {skip_link, "pf skips en0 (`set skip`)", ""},
	       {let_out, "a datagram got out of en0", "en0"}};

static void test_what_it_sees(void **state)
{
	for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
		end_watching(state);
		begin_watching(state);
		changes[i].change();
		assert_true(pf_of(fw)->fresh_until > 0);
		second();
		assert_int_equal(told, 1);
		assert_string_equal(what, changes[i].words);
		assert_string_equal(pf_of(fw)->leaked, changes[i].leaked);
		assert_true(pf_of(fw)->fresh_until == 0 && pf_of(fw)->tainted);
	}
}

/* What is not right by pfctl's own words is told by them; nothing is probed then. */
static void test_one_finding_at_a_time(void **state)
{
	(void)state;
	switch_off();
	let_out();
	second();
	assert_string_equal(what, "pf is disabled (`pfctl -d`)");
	assert_string_equal(pf_of(fw)->leaked, "");
	switch_off();
	shared->asked = 0;
	second();
	assert_int_equal(shared->asked, 2); /* our rules, and pf: nor is anything else asked */
}

/* Each pfctl that fails, in each way: once may be chance, the second time in a row is told. */
static void test_blind(void **state)
{
	(void)state;
	for (unsigned number = 1; number <= 6; number++) {
		for (unsigned how = REFUSED; how <= COMPLAINS; how += COMPLAINS - REFUSED) {
			fail_at = number;
			way = (enum way)how;
			calls = 0;
			second();
			assert_int_equal(told, 0);
			assert_true(pf_of(fw)->fresh_until != 0);
			second();
			assert_int_equal(told, 1);
			assert_memory_equal(what, "pf can't be checked: ", 21);
			assert_non_null(strstr(what, "pfctl"));
			assert_true(pf_of(fw)->fresh_until == 0 && !pf_of(fw)->tainted);
			second();
			assert_int_equal(told, 0); /* counted anew */
			fail_at = 0;
			second();
			assert_true(told == 0 && pf_of(fw)->fresh_until > 0);
			fail_at = number;
			second();
			assert_int_equal(told, 0); /* not in a row */
			fail_at = 0;
			second();
		}
	}
}

/* The lock's second place is filled again, and is no news: nothing passes by that alone. */
static void test_the_second_place(void **state)
{
	(void)state;
	pf.anchor[FALLBACK][0] = '\0';
	pf_of(fw)->deadline = 0;
	heal();
	second();
	assert_int_equal(told, 0);
	assert_string_equal(journal, "load2 ");
	assert_true(pf_count_rules(pf.anchor[FALLBACK]) > 2);
	assert_string_equal(logged(), "warn gate: the fallback anchor in pf was changed; it is restored");
	pf.leaky = 1 << FALLBACK; /* as many rules, but the last ones stop nothing */
	heal();
	second();
	assert_string_equal(journal, "load2 ");
	pf.leaky = 0;
	strcpy(pf.anchor[FALLBACK], "block drop out quick all\nblock drop in quick all\n"); /* too few */
	heal();
	second();
	assert_string_equal(journal, "load2 ");
	heal();
	fail_at = 7; /* what can't be read there is no finding */
	way = REFUSED;
	second();
	assert_true(told == 0 && journal[0] == '\0');
}

/* What it holds after a load that failed is not known: the next lock is loaded there, the old one too. */
static void test_a_second_place_that_was_not_filled(void **state)
{
	unsigned all;

	(void)state;
	be(&opened);
	heal();
	assert_int_equal(set(&moved), 0);
	all = calls;
	be(&opened);
	assert_non_null(strstr(journal, "load2 "));
	heal();
	fail_at = all;
	way = REFUSED;
	assert_int_equal(set(&moved), 0);
	assert_string_equal(failed, "load2");
	assert_string_equal(pf_of(fw)->fallback, "");
	be(&opened);
	assert_non_null(strstr(journal, "load2 "));
}

/* It is a lock, whatever stands in the first one, and names no server. */
static void test_what_the_second_place_holds(void **state)
{
	const struct situation *const all[] = {&locked, &dialling, &opened, &moved};
	static char wanted[TEXT];

	(void)state;
	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
		struct situation lock = *all[i];

		lock.state = POLICY_LOCKED;
		memset(&lock.endpoint, 0, sizeof lock.endpoint);
		be(all[i]);
		assert_int_equal(policy_print_pf(&lock, wanted, sizeof wanted, &e), 0);
		assert_string_equal(pf.anchor[FALLBACK], wanted);
	}
}

/* What could not be filled is said once, by the next second. */
static void test_a_remark(void **state)
{
	(void)state;
	pf.anchor[FALLBACK][0] = '\0';
	begin_second();
	fail_at = 1;
	way = REFUSED;
	hear_it_out();
	assert_non_null(strstr(logged(), "it is restored"));
	heal();
	second();
	assert_string_equal(logged(),
			    "warn gate: the fallback anchor in pf can't be loaded: /sbin/pfctl: exit 1: ");
	(void)logged();
	assert_string_equal(pf_of(fw)->fallback, ""); /* nothing of ours is known there */
	second();
	assert_string_equal(logged(), "");
}

/* What was looked at before a flip says nothing, whatever it saw. */
static void test_out_of_date(void **state)
{
	int64_t believed;

	(void)state;
	switch_off();
	begin_second();
	pf.enabled = true;
	be(&dialling);
	believed = pf_of(fw)->fresh_until;
	the_time += 100;
	hear_it_out();
	assert_true(told == 0 && pf_of(fw)->fresh_until == believed && !pf_of(fw)->tainted);
	begin_second();
	pf_of(fw)->armed = false;
	hear_it_out();
	assert_true(told == 0 && pf_of(fw)->fresh_until == believed);
	begin_second(); /* nothing stands that could be looked at */
	assert_false(something_runs());
	be(&locked);
	switch_off();
	begin_second();
	assert_int_equal(firewall_pf.remove(fw, &e), 0);
	assert_int_equal(pf_of(fw)->fresh_until, 0);
	pf_of(fw)->armed = true; /* whatever it is */
	hear_it_out();
	assert_int_equal(told, 0);
}

/* Until its time is over, and not longer. */
static void test_a_pfctl_that_hangs(void **state)
{
	(void)state;
	shared->hangs = true;
	begin_second();
	the_time += 2999;
	begin_second();
	assert_true(told == 0 && something_runs());
	the_time += 1;
	begin_second();
	assert_int_equal(told, 1);
	assert_string_equal(what, "pf can't be checked: pfctl does not answer");
	assert_int_equal(pf_of(fw)->fresh_until, 0);
	assert_false(something_runs());
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* it is gone */
	assert_int_equal(open_descriptors(), descriptors);
	shared->hangs = false;
	second();
	assert_true(told == 0 && pf_of(fw)->fresh_until > 0);
}

/* It ends without a word. */
static void test_a_child_that_is_killed(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		shared->hangs = true;
		shared->asker = 0;
		begin_second();
		while (*(volatile pid_t *)&shared->asker == 0)
			(void)poll(&(struct pollfd){.fd = -1}, 1, 1);
		assert_int_equal(kill(shared->asker, SIGKILL), 0);
		hear_it_out();
		assert_int_equal(told, i);
	}
	assert_string_equal(what, "pf can't be checked: the check ended");
}

/* Once may be chance; the second time it is told, and nothing is left of it. */
static void test_a_child_that_can_not_be_had(void **state)
{
	int *const calls_of[] = {&no_fork, &no_pid};
	static const int numbers[] = {EAGAIN, EMFILE};

	(void)state;
	for (int i = 0; i < 2 * CAN_FAIL; i++) {
		*calls_of[i / 2] = numbers[i / 2];
		begin_second();
		assert_false(something_runs());
		assert_int_equal(told, i % 2);
		assert_int_equal(open_descriptors(), descriptors);
		reap();
		if (told > 0) {
			assert_non_null(strstr(what, strerror(numbers[i / 2])));
			assert_int_equal(pf_of(fw)->fresh_until, 0);
			second();
			assert_true(told == 0 && pf_of(fw)->fresh_until > 0);
		}
	}
}

/* A signal in between, or nothing there yet: it is asked again. Any other failure ends the look. */
static void test_a_word_that_can_not_be_read(void **state)
{
	static const int numbers[] = {EINTR, EAGAIN, EIO, EIO};

	(void)state;
	for (int i = 0; i < 4; i++) {
		pf_of(fw)->fresh_until = 0;
		begin_second();
		no_word = numbers[i];
		hear_it_out();
		assert_int_equal(no_word, 0);
		assert_true(pf_of(fw)->fresh_until > 0 || i >= 2);
		assert_int_equal(told, i == 3);
	}
	assert_string_equal(what, "pf can't be checked: the check ended");
}

/* Where its report would land elsewhere, it writes none. */
static void test_a_child_without_a_place(void **state)
{
	siginfo_t info;
	char byte;

	(void)state;
	for (int i = 0; i < 2; i++) {
		no_place = EBUSY;
		begin_second();
		assert_int_equal(waitid(P_ALL, 0, &info, WEXITED | WNOWAIT), 0); /* by itself */
		hear_it_out();
		assert_int_equal(told, i);
		assert_int_equal(read(log_end, &byte, 1), -1);
	}
	no_place = 0; /* it was the children's */
	assert_string_equal(what, "pf can't be checked: the check ended");
}

static struct rlimit limit;

static void open_no_more(void)
{
	struct rlimit few;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	few = limit;
	few.rlim_cur = (rlim_t)spare_descriptor;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
}

static void open_as_before(void)
{
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

static void test_no_child(void **state)
{
	(void)state;
	open_no_more();
	second();
	assert_int_equal(told, 0);
	second();
	open_as_before();
	assert_int_equal(told, 1);
	assert_string_equal(what, "pf can't be checked: Too many open files");
	assert_int_equal(open_descriptors(), descriptors);
}

/* Then it is not known what passes, and nobody is asked. */
static void test_a_leak_that_can_not_be_looked_for(void **state)
{
	int result;

	(void)state;
	let_out();
	second();
	shared->probed = PROBED_REFUSED;
	heal();
	forks = 0;
	open_no_more();
	result = set(&locked);
	open_as_before();
	assert_true(result == -1 && forks == 0);
	be(&locked);
	assert_int_equal(forks, 1);
}

/* Nothing of the daemon's lives on in it, and what it logs does not become what it found. */
static void test_what_the_child_has(void **state)
{
	(void)state;
	log_copy(LOG_TO);
	pf_of(fw)->fresh_until = 0;
	child_logs = true;
	second();
	log_copy(-1);
	assert_int_equal(told, 0);
	assert_true(pf_of(fw)->fresh_until == the_time + 2000);
	assert_string_equal(logged(), "");
}

static void test_a_pause(void **state)
{
	(void)state;
	assert_int_equal(firewall_pf.pause(fw, 60, &e), 0);
	second();
	assert_int_equal(told, 0);
	watchdog_runs = false;
	pf_of(fw)->armed = true; /* whatever it is */
	begin_second();
	assert_true(told == 1 && !something_runs());
	assert_string_equal(what, "the pause watchdog has ended");
}

static void test_closing_ends_the_look(void **state)
{
	(void)state;
	shared->hangs = true;
	begin_second();
	assert_true(something_runs());
}

static void test_no_memory_to_watch(void **state)
{
	(void)state;
	watch_without_memory(&firewall_pf, &fw, setup, teardown, "pf can't be watched: ");
}

/* Only a refusal ends the doubt. */
static void test_a_leak(void **state)
{
	(void)state;
	let_out();
	second();
	heal();
	assert_int_equal(set(&locked), -1);
	assert_string_equal(e.text,
			    "a datagram got out of en0 although pf should stop it; instead: restart the "
			    "machine");
	shared->probed = PROBED_NOTHING;
	assert_int_equal(set(&locked), -1);
	assert_int_equal(open_descriptors(), descriptors);
	shared->mute = true;
	assert_int_equal(set(&locked), -1);
	assert_int_equal(last_wait, 2000);
	shared->mute = false;
	shared->probed = PROBED_REFUSED;
	be(&locked);
	shared->probed = PROBED_OUT; /* it is not tried again */
	be(&locked);
	shared->probed = PROBED_REFUSED;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define WATCH(name) cmocka_unit_test_setup_teardown(name, begin_watching, end_watching)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_no_memory_to_watch),
	    WATCH(test_all_is_right),
	    WATCH(test_what_it_sees),
	    WATCH(test_one_finding_at_a_time),
	    WATCH(test_blind),
	    WATCH(test_the_second_place),
	    WATCH(test_a_second_place_that_was_not_filled),
	    TEST(test_what_the_second_place_holds),
	    WATCH(test_a_remark),
	    WATCH(test_out_of_date),
	    WATCH(test_a_pfctl_that_hangs),
	    WATCH(test_a_child_that_is_killed),
	    WATCH(test_a_child_that_can_not_be_had),
	    WATCH(test_a_word_that_can_not_be_read),
	    WATCH(test_a_child_without_a_place),
	    WATCH(test_no_child),
	    WATCH(test_what_the_child_has),
	    WATCH(test_a_pause),
	    WATCH(test_closing_ends_the_look),
	    WATCH(test_a_leak),
	    WATCH(test_a_leak_that_can_not_be_looked_for),
	};

	return cmocka_run_group_tests(tests, prepare, NULL);
}
