/* The pause watchdog, and lockfiles: real processes, in a mount namespace of their own; its clocks are the
 * test's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "os/firewall/pause_watchdog.h"
#include "os/host/clock.h"
#include "os/host/lockfile.h"
#include "os/host/off_marker.h"

#define CLOSED "/run/closed" /* a byte for each time that the gate was to be closed */

static struct err e;
static int failures; /* of the closing, before it works */
static bool looks_bad, hangs;

/* What both processes see. */
static struct {
	int64_t steady, wall; /* the clocks */
	bool fast;            /* nobody waits: the clocks go on by themselves */
	int64_t jump;         /* what the time of day is set forward by in the next wait */
	char waits[512];      /* of the watchdog, ms each */
	char wrong[128];      /* what it should not have */
} * shared;
static pid_t own_pid;
static int sentinel = -1; /* a descriptor of the daemon's */

int64_t clock_ms(clockid_t clock)
{
	struct timespec now = {0};

	if (clock == CLOCK_REALTIME)
		return shared->wall;
	(void)clock_gettime(clock, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t clock_steady_ms(void)
{
	return shared->steady;
}

int clock_left_ms(int64_t deadline)
{
	return (int)(deadline - shared->steady);
}

struct timeval clock_timeval(int64_t ms)
{
	return (struct timeval){.tv_sec = (time_t)(ms / 1000)};
}

/* Where it is fast what does not come soon comes never. */
int poll(struct pollfd *fds, nfds_t count, int milliseconds)
{
	int most = shared->fast && count > 0 ? (getpid() == own_pid ? 300 : 2) : milliseconds;
	struct timespec limit = {.tv_sec = most / 1000, .tv_nsec = most % 1000 * 1000000L};
	int ready;

	if (getpid() != own_pid)
		snprintf(shared->waits + strlen(shared->waits), sizeof shared->waits - strlen(shared->waits),
			 "%d ", milliseconds);
	ready = ppoll(fds, count, milliseconds < 0 ? NULL : &limit, NULL);
	if (ready != 0 || !shared->fast || count == 0)
		return ready;
	shared->steady += milliseconds;
	shared->wall += milliseconds + shared->jump;
	shared->jump = 0;
	return 0;
}

/* What the watchdog has of the daemon's, or lacks: nothing, if all is well. */
static const char *what_is_wrong(void)
{
	struct sigaction action;
	sigset_t blocked;

	if (getsid(0) != getpid())
		return "no session of its own";
	for (int fd = 0; fd < 3; fd++) {
		char path[32], target[64] = "";

		snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
		if (readlink(path, target, sizeof target - 1) <= 0 || strcmp(target, "/dev/null") != 0 ||
		    (fcntl(fd, F_GETFL) & O_ACCMODE) != O_RDWR)
			return "0, 1 or 2 is not /dev/null";
	}
	if (fcntl(3, F_GETFD) != FD_CLOEXEC)
		return "a tool would have its word to the parent";
	if (fcntl(sentinel, F_GETFD) != -1)
		return "a descriptor of the daemon's is open";
	if (sigprocmask(SIG_SETMASK, NULL, &blocked) == -1 || sigismember(&blocked, SIGTERM) ||
	    sigismember(&blocked, SIGUSR2))
		return "a signal is blocked";
	if (sigaction(SIGPIPE, NULL, &action) == -1 || action.sa_handler != SIG_IGN)
		return "a pipe that nobody reads would end it";
	if (sigaction(SIGCHLD, NULL, &action) == -1 || action.sa_handler != SIG_DFL)
		return "the end of a tool is somebody else's";
	return log_wants(LOG_WARN) ? "it logs" : "";
}

static int isolate(void **state)
{
	(void)state;
	own_pid = getpid();
	shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		return -1;
	shared->wall = shared->steady = 5000000;
	if (geteuid() != 0)
		return 0;
	return unshare(CLONE_NEWNS | CLONE_NEWNET) == -1 ||
		       mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == -1 ||
		       mount("t", "/run", "tmpfs", 0, "mode=0755") == -1 ||
		       mount("t", "/var/lib", "tmpfs", 0, "mode=0755") == -1
		   ? -1
		   : 0;
}

static int clean(void **state)
{
	(void)state;
	failures = 0;
	looks_bad = hangs = shared->fast = false;
	shared->jump = 0;
	unlink(CLOSED);
	return geteuid() == 0 ? pause_watchdog_dismiss(&e) | off_marker_clear(&e) : 0;
}

static void need_root(void)
{
	if (geteuid() != 0)
		skip();
}

static int look(void *argument, struct err *why)
{
	(void)argument;
	snprintf(shared->wrong, sizeof shared->wrong, "%s", what_is_wrong());
	shared->waits[0] = '\0';
	while (hangs)
		(void)pause();
	return looks_bad ? err_set(why, "no pfctl") : 0;
}

static int shut(void *argument, struct err *why)
{
	int fd = open(CLOSED, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	(void)argument;
	(void)!write(fd, "x", 1);
	close(fd);
	return failures-- > 0 ? err_set(why, "busy") : 0;
}

static const struct pause_watchdog_work work = {look, shut, NULL};

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000) + t.tv_nsec / 1000000;
}

static long closed(void)
{
	char bytes[64];
	int fd = open(CLOSED, O_RDONLY | O_CLOEXEC);
	ssize_t got = fd == -1 ? 0 : read(fd, bytes, sizeof bytes);

	if (fd != -1)
		close(fd);
	return got;
}

/* Waits until there is no watchdog any more. */
static bool gone_within(int milliseconds)
{
	int64_t deadline = now_ms() + milliseconds;

	while (pause_watchdog_lives() && now_ms() < deadline)
		poll(NULL, 0, 5);
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
	return !pause_watchdog_lives();
}

static int32_t watchdog(void)
{
	int32_t pid = 0;

	assert_int_equal(lockfile_owner_at("/run/portcullis/guardian", &pid), 0);
	return pid;
}

/* One that is started, with its clocks going on until it has left. */
static void run_fast(uint32_t seconds)
{
	need_root();
	shared->steady = shared->wall = 5000000;
	shared->fast = true;
	assert_int_equal(pause_watchdog_start(&work, seconds, &e), 0);
	assert_true(gone_within(6000));
}

static void closes_at_its_time(void **state)
{
	(void)state;
	run_fast(2);
	assert_string_equal(shared->waits, "1000 1000 ");
	assert_int_equal(shared->steady, 5002000);
	assert_int_equal(closed(), 1);
}

/* The time of day is set, or the machine sleeps: whatever says first that it is over. */
static void closes_by_whichever_clock(void **state)
{
	static const struct {
		uint32_t seconds;
		int64_t jump;
		const char *waits;
	} rows[] = {{2, 300, "1000 700 "},
		    {2, -5000, "1000 1000 "},
		    {2, 1000, "1000 "},
		    {8, 5000, "1000 1000 1000 "}, /* late, but not too late */
		    {60, 5001, "1000 "}};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		need_root();
		clean(state);
		shared->jump = rows[i].jump;
		run_fast(rows[i].seconds);
		assert_string_equal(shared->waits, rows[i].waits);
		assert_int_equal(closed(), 1);
	}
}

/* Again and again, less often by and by. */
static void goes_on_until_it_is_closed(void **state)
{
	(void)state;
	failures = 8;
	run_fast(1);
	assert_string_equal(shared->waits, "1000 50 100 200 400 800 1000 1000 1000 ");
	assert_int_equal(closed(), 9);
}

static void nothing_of_the_daemon_is_left_to_it(void **state)
{
	struct sigaction ignore = {.sa_handler = SIG_IGN}, before;
	sigset_t some, kept;
	int pipe_of_daemon[2], usual[3], result;

	(void)state;
	need_root();
	assert_int_equal(pipe(pipe_of_daemon), 0);
	sentinel = open("/dev/null", O_RDONLY);
	sentinel = fcntl(sentinel, F_DUPFD, 50);
	sigemptyset(&some);
	sigaddset(&some, SIGUSR2);
	sigprocmask(SIG_BLOCK, &some, &kept);
	sigaction(SIGCHLD, &ignore, &before);
	log_open(2, LOG_DEBUG);
	shared->wrong[0] = 'x';
	for (int fd = 0; fd < 3; fd++) {
		usual[fd] = fcntl(fd, F_DUPFD_CLOEXEC, 60);
		dup2(pipe_of_daemon[1], fd);
	}
	result = pause_watchdog_start(&work, 60, &e);
	for (int fd = 0; fd < 3; fd++) {
		dup2(usual[fd], fd);
		close(usual[fd]);
	}
	close(pipe_of_daemon[0]);
	close(pipe_of_daemon[1]);
	assert_int_equal(result, 0);
	sigaction(SIGCHLD, &before, NULL);
	sigprocmask(SIG_SETMASK, &kept, NULL);
	close(sentinel);
	assert_string_equal(shared->wrong, "");
}

/* Each of them, but one: what ends a daemon shuts the gate. */
static void closes_at_a_signal(void **state)
{
	static const int numbers[] = {SIGTERM, SIGINT, SIGHUP, SIGQUIT};

	for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
		clean(state);
		need_root();
		assert_int_equal(pause_watchdog_start(&work, 60, &e), 0);
		assert_int_equal(kill(watchdog(), numbers[i]), 0);
		assert_true(gone_within(3000));
		assert_int_equal(closed(), 1);
	}
}

/* While it can't close it is let go of as well. */
static void dismissed_while_it_tries(void **state)
{
	long tried;

	(void)state;
	need_root();
	failures = 1000000;
	assert_int_equal(pause_watchdog_start(&work, 60, &e), 0);
	assert_int_equal(kill(watchdog(), SIGTERM), 0);
	while (closed() < 2)
		(void)poll(NULL, 0, 1);
	assert_int_equal(pause_watchdog_dismiss(&e), 0);
	tried = closed();
	assert_false(pause_watchdog_lives());
	assert_int_equal(closed(), tried);
}

static void no_descriptor_is_left(void **state)
{
	struct rlimit before, few;

	(void)state;
	need_root();
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	few = before;
	few.rlim_cur = 3;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	assert_int_equal(pause_watchdog_start(&work, 60, &e), -1);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_string_equal(e.text, "the pause watchdog can't be started: Too many open files");
}

/* Its parent is killed, and with it every process of the parent's group. */
static void survives_the_daemon(void **state)
{
	int status;
	pid_t daemon;

	(void)state;
	need_root();
	daemon = fork();
	if (daemon == 0) {
		(void)setpgid(0, 0);
		if (pause_watchdog_start(&work, 1, &e) == 0)
			kill(0, SIGKILL);
		_exit(1);
	}
	assert_int_equal(waitpid(daemon, &status, 0), daemon);
	assert_true(WIFSIGNALED(status));
	assert_true(pause_watchdog_lives());
	shared->fast = true;
	assert_true(gone_within(3000));
	assert_int_equal(closed(), 1);
}

static void there_is_never_a_second(void **state)
{
	int32_t first;

	(void)state;
	need_root();
	assert_int_equal(pause_watchdog_start(&work, 60, &e), 0);
	first = watchdog();
	assert_int_equal(pause_watchdog_start(&work, 60, &e), -1);
	assert_non_null(strstr(e.text, "already watches a pause; instead: "));
	assert_int_equal(watchdog(), first);
}

static void dismissed_it_closes_nothing(void **state)
{
	(void)state;
	need_root();
	assert_int_equal(pause_watchdog_start(&work, 60, &e), 0);
	assert_int_equal(pause_watchdog_dismiss(&e), 0);
	assert_false(pause_watchdog_lives());
	assert_int_equal(closed(), 0);
	assert_int_equal(pause_watchdog_dismiss(&e), 0); /* there is none: fine */
	/* Control: asked to end by anybody else it closes first. */
	assert_int_equal(pause_watchdog_start(&work, 60, &e), 0);
	assert_int_equal(kill(watchdog(), SIGTERM), 0);
	assert_true(gone_within(3000));
	assert_int_equal(closed(), 1);
}

/* A stopped one can't leave by itself. */
static void one_that_does_not_leave_is_killed(void **state)
{
	int32_t pid;

	(void)state;
	need_root();
	assert_int_equal(pause_watchdog_start(&work, 60, &e), 0);
	pid = watchdog();
	assert_int_equal(kill(pid, SIGSTOP), 0);
	shared->fast = true;
	shared->steady = 5000000;
	assert_int_equal(pause_watchdog_dismiss(&e), 0);
	assert_int_equal(shared->steady, 5003000);
	assert_false(pause_watchdog_lives());
	assert_int_equal(closed(), 0);
}

static void no_pause_without_it(void **state)
{
	(void)state;
	need_root();
	looks_bad = true;
	assert_int_equal(pause_watchdog_start(&work, 60, &e), -1);
	assert_non_null(strstr(e.text, "no pfctl"));
	assert_false(pause_watchdog_lives());
	looks_bad = false;
	hangs = shared->fast = true;
	shared->steady = 5000000;
	assert_int_equal(pause_watchdog_start(&work, 60, &e), -1);
	assert_non_null(strstr(e.text, "no answer"));
	assert_int_equal(shared->steady, 5003000);
	assert_false(pause_watchdog_lives());
	assert_int_equal(closed(), 0);
}

static void off_is_not_undone(void **state)
{
	(void)state;
	need_root();
	assert_int_equal(pause_watchdog_start(&work, 1, &e), 0);
	assert_int_equal(off_marker_write(false, &e), 0);
	shared->fast = true;
	assert_true(gone_within(3000));
	assert_int_equal(closed(), 0);
}

static void a_holder_is_known_until_it_ends(void **state)
{
	int32_t pid = -1;
	int file, ready[2];
	pid_t other;
	char byte;

	(void)state;
	need_root();
	assert_int_equal(pipe(ready), 0);
	other = fork();
	if (other == 0) {
		file = lockfile_open("/run/portcullis/held", &e);
		byte = lockfile_lock(file, &pid) == 0 ? 'y' : 'n';
		(void)!write(ready[1], &byte, 1);
		for (;;)
			poll(NULL, 0, 1000);
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	assert_int_equal(byte, 'y');
	assert_int_equal(lockfile_owner_at("/run/portcullis/held", &pid), 0);
	assert_int_equal(pid, other);
	assert_int_equal(lockfile_owner_at("/run/portcullis/none", &pid), 0);
	assert_int_equal(pid, 0);
	file = lockfile_open("/run/portcullis/held", &e);
	assert_int_equal(lockfile_owner(file, &pid), 0);
	assert_int_equal(pid, other);
	assert_int_equal(lockfile_lock(file, &pid), 1);
	assert_int_equal(pid, other);
	kill(other, SIGKILL);
	assert_int_equal(waitpid(other, NULL, 0), other);
	assert_int_equal(lockfile_lock(file, &pid), 0);
	assert_int_equal(lockfile_owner(file, &pid), 0);
	assert_int_equal(pid, 0);
	close(file);
	close(ready[0]);
	close(ready[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(closes_at_its_time, clean),
	    cmocka_unit_test_setup(closes_by_whichever_clock, clean),
	    cmocka_unit_test_setup(goes_on_until_it_is_closed, clean),
	    cmocka_unit_test_setup(nothing_of_the_daemon_is_left_to_it, clean),
	    cmocka_unit_test_setup(closes_at_a_signal, clean),
	    cmocka_unit_test_setup(dismissed_while_it_tries, clean),
	    cmocka_unit_test_setup(no_descriptor_is_left, clean),
	    cmocka_unit_test_setup(survives_the_daemon, clean),
	    cmocka_unit_test_setup(there_is_never_a_second, clean),
	    cmocka_unit_test_setup(dismissed_it_closes_nothing, clean),
	    cmocka_unit_test_setup(one_that_does_not_leave_is_killed, clean),
	    cmocka_unit_test_setup(no_pause_without_it, clean),
	    cmocka_unit_test_setup_teardown(off_is_not_undone, clean, clean),
	    cmocka_unit_test_setup(a_holder_is_known_until_it_ends, clean),
	};

	return cmocka_run_group_tests(tests, isolate, NULL);
}
