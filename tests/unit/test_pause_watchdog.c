/* The pause watchdog, and lockfiles: real processes, in a mount namespace of their own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "os/firewall/pause_watchdog.h"
#include "os/host/lockfile.h"
#include "os/host/off_marker.h"

#define CLOSED "/run/closed" /* a byte for each time that the gate was to be closed */

static struct err e;
static int failures; /* of the closing, before it works */
static bool looks_bad, hangs;

static int isolate(void **state)
{
	(void)state;
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
	looks_bad = hangs = false;
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
	if (hangs)
		for (;;)
			poll(NULL, 0, 1000);
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

static void closes_at_its_time(void **state)
{
	int64_t began = now_ms();

	(void)state;
	need_root();
	assert_false(pause_watchdog_lives());
	assert_int_equal(pause_watchdog_start(&work, 1, &e), 0);
	assert_true(pause_watchdog_lives());
	assert_int_equal(closed(), 0);
	assert_true(gone_within(3000));
	assert_true(now_ms() - began >= 990);
	assert_int_equal(closed(), 1);
}

static void goes_on_until_it_is_closed(void **state)
{
	(void)state;
	need_root();
	failures = 3;
	assert_int_equal(pause_watchdog_start(&work, 1, &e), 0);
	assert_true(gone_within(6000));
	assert_int_equal(closed(), 4);
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
	assert_int_equal(pause_watchdog_dismiss(&e), 0);
	assert_false(pause_watchdog_lives());
	assert_int_equal(closed(), 0);
}

static void no_pause_without_it(void **state)
{
	int64_t began = now_ms();

	(void)state;
	need_root();
	looks_bad = true;
	assert_int_equal(pause_watchdog_start(&work, 60, &e), -1);
	assert_non_null(strstr(e.text, "no pfctl"));
	assert_false(pause_watchdog_lives());
	looks_bad = false;
	hangs = true;
	assert_int_equal(pause_watchdog_start(&work, 60, &e), -1);
	assert_non_null(strstr(e.text, "no answer"));
	assert_true(now_ms() - began < 5000);
	assert_false(pause_watchdog_lives());
	assert_int_equal(closed(), 0);
}

static void off_is_not_undone(void **state)
{
	(void)state;
	need_root();
	assert_int_equal(pause_watchdog_start(&work, 1, &e), 0);
	assert_int_equal(off_marker_write(false, &e), 0);
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
	    cmocka_unit_test_setup(goes_on_until_it_is_closed, clean),
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
