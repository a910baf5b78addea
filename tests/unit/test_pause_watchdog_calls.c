/* The pause watchdog, call by call, parent and child in one process: what each asks of the system and in what
 * order, and what becomes of every call that fails. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "between.h"
#include "clock_standin.h"
#include "journal.h"
#include "os/firewall/pause_watchdog.h"
#include "os/host/lockfile.h"
#include "os/host/off_marker.h"
#include "os/process/child.h"
#include "os/process/descriptor.h"
#include "os/process/pid.h"

#define LOCKFILE "/run/portcullis/guardian"

/* Descriptors: the word's two ends, the signals', /dev/null, the lockfile, the process; and pids. */
enum { WORD = 30, WAKE = 40, NOTHING = 50, FILE_ = 60, PROCESS = 70, CHILD = 4711, OTHER = 815, NONE = -1 };

static struct err e;
static int calls, fails_at; /* of what can fail; 0: nothing does */
static pid_t forked;
static int word_end; /* that the child writes to */
static bool locked_by_other;
static jmp_buf ended;

static int may_fail(int good)
{
	if (++calls != fails_at)
		return good;
	say("fails");
	errno = EDOM;
	return -1;
}

/* --- the system ------------------------------------------------------------------------ */

int descriptor_pipe(int ends[2], bool nonblocking)
{
	ends[0] = nonblocking ? WAKE : WORD;
	ends[1] = nonblocking ? WAKE + 1 : word_end;
	say("pipe %d", ends[0]);
	return may_fail(0);
}

pid_t child_fork(void)
{
	say("fork");
	return may_fail(forked);
}

pid_t setsid(void)
{
	say("session");
	return 0;
}

int open(const char *path, int flags, ...)
{
	assert_int_equal(flags, O_RDWR | O_CLOEXEC);
	say("open %s", path);
	return may_fail(NOTHING);
}

int dup2(int from, int to)
{
	say("place %d %d", from, to);
	return may_fail(to);
}

int fcntl(int descriptor, int command, ...)
{
	va_list ap;

	assert_int_equal(command, F_SETFD);
	va_start(ap, command);
	assert_int_equal(va_arg(ap, int), FD_CLOEXEC);
	va_end(ap);
	say("close on exec %d", descriptor);
	return may_fail(0);
}

void descriptor_close_from(int lowest)
{
	say("close from %d", lowest);
}

int close(int descriptor)
{
	say("close %d", descriptor);
	errno = EIO;
	return 0;
}

int lockfile_open(const char *path, struct err *why)
{
	say("open %s", path);
	return may_fail(0) == -1 ? err_set(why, "no file") : FILE_;
}

int lockfile_lock(int descriptor, int32_t *pid)
{
	say("lock %d", descriptor);
	*pid = locked_by_other ? OTHER : 0;
	return may_fail(locked_by_other);
}

int io_write_all(int descriptor, const char *bytes, size_t length)
{
	say("write %d %.*s", descriptor, (int)length, bytes);
	return may_fail(0);
}

void _exit(int code)
{
	say("exit %d", code);
	longjmp(ended, 1);
}

int kill(pid_t pid, int number)
{
	assert_int_equal(number, SIGKILL);
	say("kill %d", (int)pid);
	return 0;
}

int child_reap(pid_t pid, int *status)
{
	say("reap %d", (int)pid);
	*status = 0;
	return 0;
}

/* --- signals ---------------------------------------------------------------------------- */

static void (*handlers[65])(int);
static char woken[8]; /* bytes in the pipe */
static size_t woken_count;

int sigaction(int number, const struct sigaction *action, struct sigaction *before)
{
	assert_null(before);
	assert_int_equal(number == SIGPIPE, action->sa_handler == SIG_IGN);
	handlers[number] = action->sa_handler;
	say("catch %d", number);
	return 0;
}

int sigprocmask(int how, const sigset_t *set, sigset_t *before)
{
	assert_null(before);
	assert_int_equal(how, SIG_SETMASK);
	assert_int_equal(sigismember(set, SIGTERM), 0);
	say("unblock");
	return may_fail(0);
}

ssize_t write(int descriptor, const void *bytes, size_t size)
{
	assert_int_equal(descriptor, WAKE + 1);
	assert_int_equal(size, 1);
	woken[woken_count++] = *(const char *)bytes;
	errno = EAGAIN;
	return 1;
}

/* What comes in the how manieth wait, and whether the wait hears of it: it may come before, or be one that
 * ends a wait by itself. */
static struct {
	int wait, numbers[3];
} signals;
static int waits;

static void deliver(void)
{
	for (size_t i = 0; signals.wait == waits && i < 3 && signals.numbers[i] != 0; i++) {
		errno = ENOTTY;
		handlers[signals.numbers[i]](signals.numbers[i]);
		assert_int_equal(errno, ENOTTY);
	}
}

/* --- the child's word ------------------------------------------------------------------- */

#define INTERRUPTED "\1"
#define TORN "\2"
#define LATE "\3"

static const char *const *word; /* piece by piece; NULL: nothing more comes, "": its end */

static int wait_for_child(int milliseconds)
{
	say("wait %d", milliseconds);
	if (*word == NULL || strcmp(*word, LATE) == 0) {
		the_time += *word == NULL ? milliseconds : 1000;
		word += *word != NULL;
		return 0;
	}
	if (strcmp(*word, INTERRUPTED) != 0)
		return 1;
	word++;
	errno = EINTR;
	return -1;
}

int poll(struct pollfd *of, nfds_t count, int milliseconds)
{
	assert_int_equal(count, 1);
	assert_int_equal(of->events, POLLIN);
	if (of->fd == WORD)
		return wait_for_child(milliseconds);
	assert_int_equal(of->fd, WAKE);
	say("wait %d", milliseconds);
	waits++;
	deliver();
	if (woken_count == 0)
		the_time += milliseconds;
	return woken_count > 0;
}

ssize_t read(int descriptor, void *to, size_t size)
{
	size_t length;

	if (descriptor == WAKE) {
		assert_int_equal(size, 1);
		if (woken_count == 0) {
			errno = EAGAIN;
			return -1;
		}
		*(char *)to = woken[0];
		memmove(woken, woken + 1, --woken_count);
		return 1;
	}
	assert_int_equal(descriptor, WORD);
	say("read %zu", size);
	assert_non_null(*word);
	if (strcmp(*word, TORN) == 0) {
		word++;
		errno = EIO;
		return -1;
	}
	length = strlen(*word) < size ? strlen(*word) : size;
	memcpy(to, *word, length);
	if (length > 0)
		word++;
	return (ssize_t)length;
}

/* --- the work ----------------------------------------------------------------------------- */

static int shut_fails; /* so many times */
static bool is_off;

bool off_marker_valid(void)
{
	return is_off;
}

static int look(void *argument, struct err *why)
{
	assert_ptr_equal(argument, &shut_fails);
	say("look");
	return may_fail(0) == -1 ? err_set(why, "no pfctl") : 0;
}

static int shut(void *argument, struct err *why)
{
	assert_ptr_equal(argument, &shut_fails);
	say("shut");
	return shut_fails-- > 0 ? err_set(why, "busy") : 0;
}

static const struct pause_watchdog_work work = {look, shut, &shut_fails};

/* Who has the lockfile, asked once and again; the process; how often it has not ended yet. */
static struct {
	int result, pid;
} owners[2];
static int owners_asked, no_process, stays;

int lockfile_owner_at(const char *path, int32_t *pid)
{
	assert_string_equal(path, LOCKFILE);
	assert_between(owners_asked, 0, 1);
	*pid = owners[owners_asked].pid;
	errno = EDOM;
	return owners[owners_asked++].result;
}

int pid_open(pid_t pid)
{
	say("process %d", (int)pid);
	errno = no_process;
	return no_process != 0 ? -1 : PROCESS;
}

int pid_signal(int descriptor, pid_t pid, int number)
{
	assert_int_equal(descriptor, PROCESS);
	say("signal %d %s", (int)pid, number == SIGUSR1 ? "leave" : number == SIGKILL ? "kill" : "?");
	return 0;
}

bool pid_ended(int descriptor, int milliseconds)
{
	assert_int_equal(descriptor, PROCESS);
	say("ended %d", milliseconds);
	return stays-- <= 0;
}

static int begin(void **state)
{
	(void)state;
	e.text[0] = journal[0] = '\0';
	calls = fails_at = waits = shut_fails = owners_asked = no_process = stays = 0;
	forked = CHILD;
	word_end = WORD + 1;
	locked_by_other = is_off = false;
	memset(&signals, 0, sizeof signals);
	memset(owners, 0, sizeof owners);
	woken_count = 0;
	the_time = 5000000;
	return 0;
}

/* --- the child ---------------------------------------------------------------------------- */

#define ASIDE "pipe 30\nfork\nsession\nopen /dev/null\nplace 50 0\nplace 50 1\nplace 50 2\n"
#define ALONE "close on exec 3\nclose from 4\nopen " LOCKFILE "\nlock 60\npipe 40\n"
#define READY "unblock\nlook\nwrite 3 watches\n\nclose 3\n"

/* Until it exits. */
static void be_child(void)
{
	forked = 0;
	if (setjmp(ended) == 0) {
		pause_watchdog_start(&work, 2, &e);
		fail_msg("the child goes on as the parent");
	}
}

/* From its first wait on. */
static const char *watched(void)
{
	const char *from;

	be_child();
	from = strstr(journal, READY);
	assert_non_null(from);
	return from + strlen(READY);
}

static void test_child(void **state)
{
	char caught[128];

	(void)state;
	be_child();
	snprintf(caught, sizeof caught, "catch %d\ncatch %d\ncatch %d\ncatch %d\ncatch %d\ncatch %d\n",
		 SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGPIPE);
	assert_memory_equal(journal, ASIDE "place 31 3\n" ALONE, strlen(ASIDE "place 31 3\n" ALONE));
	assert_non_null(strstr(journal, caught));
	assert_string_equal(strstr(journal, READY), READY "wait 1000\nwait 1000\nshut\nexit 0\n");
	begin(NULL);
	word_end = 3; /* is where it should be */
	be_child();
	assert_memory_equal(journal, ASIDE ALONE, strlen(ASIDE ALONE));
}

/* Whatever fails, it leaves without a word that it watches; if it can, with the cause. */
static void test_child_that_can_not_watch(void **state)
{
	static const struct {
		int at;
		const char *rest;
	} rows[] = {
	    {3, ""}, /* /dev/null, in three places */
	    {4, ""},
	    {5, ""},
	    {6, ""},
	    {7, ""}, /* the word's descriptor */
	    {8, ""},
	    {9, "write 3 no file\n"},
	    {10, "write 3 " LOCKFILE ": Numerical argument out of domain\n"},
	    {11, "write 3 " LOCKFILE ": Numerical argument out of domain\n"},
	    {12, "write 3 " LOCKFILE ": Numerical argument out of domain\n"},
	    {13, "write 3 no pfctl\n"},
	    {14, ""}, /* the word that it watches: nobody reads it */
	};
	char wanted[128];

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		begin(state);
		fails_at = rows[i].at;
		be_child();
		snprintf(wanted, sizeof wanted, "fails\n%sexit 1\n", rows[i].rest);
		assert_string_equal(strstr(journal, "fails\n"), wanted);
	}
	begin(state);
	locked_by_other = true;
	be_child();
	assert_non_null(strstr(journal, "lock 60\nwrite 3 process 815 already watches a pause; instead: "
					"portcullis resume\nexit 1\n"));
}

/* What says that it is to leave outweighs all else, in whatever order they come. */
static void test_signals(void **state)
{
	static const int closing[] = {SIGTERM, SIGINT, SIGHUP, SIGQUIT};
	static const int leaving[][3] = {
	    {SIGUSR1}, {SIGUSR1, SIGTERM}, {SIGTERM, SIGUSR1}, {SIGTERM, SIGUSR1, SIGTERM}};

	for (size_t i = 0; i < sizeof closing / sizeof closing[0]; i++) {
		begin(state);
		signals.wait = 2;
		signals.numbers[0] = closing[i];
		assert_string_equal(watched(), "wait 1000\nwait 1000\nshut\nexit 0\n");
		assert_int_equal(the_time, 5001000);
	}
	for (size_t i = 0; i < sizeof leaving / sizeof leaving[0]; i++) {
		begin(state);
		signals.wait = 1;
		memcpy(signals.numbers, leaving[i], sizeof leaving[i]);
		assert_string_equal(watched(), "wait 1000\nexit 0\n");
	}
}

/* Again and again; a signal does not make it give up, but one of whoever needs no watchdog any more. */
static void test_what_can_not_be_closed(void **state)
{
	(void)state;
	shut_fails = 7;
	signals.wait = 4;
	signals.numbers[0] = SIGTERM;
	assert_string_equal(watched(), "wait 1000\nwait 1000\nshut\nwait 50\nshut\nwait 100\nshut\nwait 200\n"
				       "shut\nwait 400\nshut\nwait 800\nshut\nwait 1000\nshut\nwait 1000\n"
				       "shut\nexit 0\n");
	begin(NULL);
	shut_fails = 7;
	signals.wait = 4;
	signals.numbers[0] = SIGUSR1;
	assert_string_equal(watched(), "wait 1000\nwait 1000\nshut\nwait 50\nshut\nwait 100\nexit 0\n");
	begin(NULL);
	is_off = true;
	assert_string_equal(watched(), "wait 1000\nwait 1000\nexit 0\n");
}

/* --- the parent --------------------------------------------------------------------------- */

/* More than fits by one; just what fits; less by one. */
static char long_word[sizeof e.text + 1], full_word[sizeof e.text], cut_word[sizeof e.text - 1];

static void test_parent(void **state)
{
	static const struct {
		const char *pieces[5], *why; /* NULL: it watches */
		const char *asked;
	} rows[] = {
	    {{"watches\n", ""}, NULL, "wait 3000\nread 511\nwait 3000\nread 503\n"},
	    {{"wat", INTERRUPTED, "ches\n", ""},
	     NULL,
	     "wait 3000\nread 511\nwait 3000\nwait 3000\nread 508\n"
	     "wait 3000\nread 503\n"},
	    {{TORN, LATE, "watches\n", ""},
	     NULL,
	     "wait 3000\nread 511\nwait 3000\nwait 2000\nread 511\n"
	     "wait 2000\nread 503\n"},
	    {{"watches\n", NULL}, NULL, "wait 3000\nread 511\nwait 3000\n"},
	    {{""}, "no answer", "wait 3000\nread 511\n"},
	    {{LATE, NULL}, "no answer", "wait 3000\nwait 2000\n"},
	    {{"no pfctl", ""}, "no pfctl", "wait 3000\nread 511\nwait 3000\nread 503\n"},
	    {{"watches\n", "not", ""},
	     "watches not",
	     "wait 3000\nread 511\nwait 3000\nread 503\nwait 3000\nread 500\n"},
	    {{long_word, ""}, long_word, "wait 3000\nread 511\n"},
	    {{full_word, ""}, full_word, "wait 3000\nread 511\n"},
	    {{cut_word, "y", ""}, cut_word, "wait 3000\nread 511\nwait 3000\nread 1\n"},
	};
	struct err wanted;
	char asked[256];

	memset(long_word, 'x', sizeof long_word - 1);
	memset(full_word, 'x', sizeof full_word - 1);
	memset(cut_word, 'x', sizeof cut_word - 1);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		begin(state);
		word = rows[i].pieces;
		assert_int_equal(pause_watchdog_start(&work, 60, &e), rows[i].why == NULL ? 0 : -1);
		snprintf(asked, sizeof asked, "pipe 30\nfork\nclose 31\n%sclose 30\n%s", rows[i].asked,
			 rows[i].why == NULL ? "" : "kill 4711\nreap 4711\n");
		assert_string_equal(journal, asked);
		if (rows[i].why != NULL)
			err_set(&wanted, "the pause watchdog does not work: %s", rows[i].why);
		assert_string_equal(e.text, rows[i].why == NULL ? "" : wanted.text);
	}
}

static void test_parent_that_can_not_start_it(void **state)
{
	static const char *const left[] = {"", "close 30\nclose 31\n"};

	for (int at = 1; at <= 2; at++) {
		begin(state);
		fails_at = at;
		assert_int_equal(pause_watchdog_start(&work, 60, &e), -1);
		assert_string_equal(e.text,
				    "the pause watchdog can't be started: Numerical argument out of domain");
		assert_string_equal(strstr(journal, "fails\n") + 6, left[at - 1]);
	}
}

static void test_lives(void **state)
{
	static const struct {
		int result, pid;
		bool lives;
	} rows[] = {{0, OTHER, true}, {0, 0, false}, {0, -1, false}, {-1, OTHER, false}};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		begin(state);
		owners[0].result = rows[i].result;
		owners[0].pid = rows[i].pid;
		assert_int_equal(pause_watchdog_lives(), rows[i].lives);
	}
}

/* Only who still has the lockfile once his process is held is sent anything. */
static void test_dismissal(void **state)
{
	static const struct {
		int owners[4]; /* result and pid, twice */
		int no_process, stays, result;
		const char *asked, *why;
	} rows[] = {
	    {{-1, OTHER}, 0, 0, -1, "", LOCKFILE ": Numerical argument out of domain"},
	    {{0, 0}, 0, 0, 0, "", ""},
	    {{0, OTHER}, ESRCH, 0, 0, "process 815\n", ""},
	    {{0, OTHER},
	     EPERM,
	     0,
	     -1,
	     "process 815\n",
	     "process 815, which watches a pause: Operation not permitted"},
	    {{0, OTHER, 0, CHILD}, 0, 0, 0, "process 815\nclose 70\n", ""},
	    {{0, OTHER, -1, OTHER}, 0, 0, 0, "process 815\nclose 70\n", ""},
	    {{0, OTHER, 0, OTHER},
	     0,
	     0,
	     0,
	     "process 815\nsignal 815 leave\nended 3000\nended 3000\nclose 70\n",
	     ""},
	    {{0, OTHER, 0, OTHER},
	     0,
	     1,
	     0,
	     "process 815\nsignal 815 leave\nended 3000\nsignal 815 kill\nended 3000\nclose 70\n",
	     ""},
	    {{0, OTHER, 0, OTHER},
	     0,
	     2,
	     -1,
	     "process 815\nsignal 815 leave\nended 3000\nsignal 815 kill\nended 3000\nclose 70\n",
	     "process 815, which watches a pause, does not exit"},
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		begin(state);
		for (int k = 0; k < 2; k++) {
			owners[k].result = rows[i].owners[2 * k];
			owners[k].pid = rows[i].owners[2 * k + 1];
		}
		no_process = rows[i].no_process;
		stays = rows[i].stays;
		assert_int_equal(pause_watchdog_dismiss(&e), rows[i].result);
		assert_string_equal(journal, rows[i].asked);
		assert_string_equal(e.text, rows[i].why);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(test_child, begin),
	    cmocka_unit_test_setup(test_child_that_can_not_watch, begin),
	    cmocka_unit_test_setup(test_signals, begin),
	    cmocka_unit_test_setup(test_what_can_not_be_closed, begin),
	    cmocka_unit_test_setup(test_parent, begin),
	    cmocka_unit_test_setup(test_parent_that_can_not_start_it, begin),
	    cmocka_unit_test_setup(test_lives, begin),
	    cmocka_unit_test_setup(test_dismissal, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
