/* The off marker and ending a daemon, in a mount and network namespace of their own. */
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
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/host/off_marker.h"
#include "os/process/process.h"

static struct err e;

/* Nothing of this machine may be touched: fresh /run and /var/lib, fresh network. */
static int isolate(void **state)
{
	(void)state;
	if (geteuid() != 0)
		return 0;
	if (unshare(CLONE_NEWNS | CLONE_NEWNET) == -1 ||
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == -1 ||
	    mount("t", "/run", "tmpfs", 0, "mode=0755") == -1 ||
	    mount("t", "/var/lib", "tmpfs", 0, "mode=0755") == -1)
		return -1;
	return 0;
}

static void need_root(void)
{
	if (geteuid() != 0)
		skip();
}

static int clean(void **state)
{
	(void)state;
	return geteuid() == 0 ? off_marker_clear(&e) : 0;
}

static void put(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static void take(const char *path, char *to, size_t size)
{
	FILE *f = fopen(path, "r");
	size_t length;

	assert_non_null(f);
	length = fread(to, 1, size - 1, f);
	to[length] = '\0';
	fclose(f);
}

static void written_is_valid_cleared_is_not(void **state)
{
	(void)state;
	need_root();
	assert_false(off_marker_valid());
	assert_int_equal(off_marker_clear(&e), 0); /* nothing there is fine */
	assert_int_equal(off_marker_write(false, &e), 0);
	assert_int_equal(access(OFF_MARKER_BOOT, F_OK), 0);
	assert_true(off_marker_valid());
	assert_int_equal(off_marker_write(false, &e), 0); /* again */
	assert_true(off_marker_valid());
	assert_int_equal(off_marker_write(true, &e), 0); /* one replaces the other */
	assert_int_equal(access(OFF_MARKER_BOOT, F_OK), -1);
	assert_true(off_marker_valid());
	assert_int_equal(off_marker_write(false, &e), 0);
	assert_int_equal(access(OFF_MARKER_PERSIST, F_OK), -1);
	assert_int_equal(off_marker_clear(&e), 0);
	assert_false(off_marker_valid());
}

static void doubtful_markers_mean_locked(void **state)
{
	char good[256], bad[300];

	(void)state;
	need_root();
	assert_int_equal(off_marker_write(false, &e), 0);
	take(OFF_MARKER_BOOT, good, sizeof good);
	put(OFF_MARKER_BOOT, "");
	assert_false(off_marker_valid());
	snprintf(bad, sizeof bad, "0%s", good); /* another boot's */
	put(OFF_MARKER_BOOT, bad);
	assert_false(off_marker_valid());
	snprintf(bad, sizeof bad, "%s\n", good);
	put(OFF_MARKER_BOOT, bad);
	assert_false(off_marker_valid());
	put(OFF_MARKER_BOOT, good); /* control: as it was */
	assert_true(off_marker_valid());
	assert_int_equal(chmod(OFF_MARKER_BOOT, 0622), 0);
	assert_false(off_marker_valid());
	assert_int_equal(chmod(OFF_MARKER_BOOT, 0644), 0);
	assert_true(off_marker_valid());
	assert_int_equal(chown(OFF_MARKER_BOOT, 1, 0), 0);
	assert_false(off_marker_valid());
	assert_int_equal(chown(OFF_MARKER_BOOT, 0, 0), 0);
	assert_int_equal(rename(OFF_MARKER_BOOT, "/run/portcullis/real"), 0);
	assert_int_equal(symlink("real", OFF_MARKER_BOOT), 0);
	assert_false(off_marker_valid());
	assert_int_equal(unlink(OFF_MARKER_BOOT), 0);
	assert_int_equal(mkfifo(OFF_MARKER_BOOT, 0600), 0);
	assert_false(off_marker_valid()); /* and does not hang */
	assert_int_equal(unlink(OFF_MARKER_BOOT), 0);
	assert_int_equal(rename("/run/portcullis/real", OFF_MARKER_BOOT), 0);
	assert_int_equal(chmod("/run/portcullis", 0777), 0);
	assert_false(off_marker_valid());
	assert_int_equal(off_marker_write(false, &e), -1);
	assert_int_equal(chmod("/run/portcullis", 0755), 0);
	assert_true(off_marker_valid());
	/* The line for this boot does not persist, and the other way round. */
	assert_int_equal(mkdir("/var/lib/portcullis", 0755) == 0 || access("/var/lib/portcullis", F_OK) == 0,
			 1);
	assert_int_equal(unlink(OFF_MARKER_BOOT), 0);
	put(OFF_MARKER_PERSIST, good);
	assert_false(off_marker_valid());
}

static void another_network_namespace_is_not_meant(void **state)
{
	int status;
	pid_t child;

	(void)state;
	need_root();
	for (int persist = 0; persist < 2; persist++) {
		assert_int_equal(off_marker_write(persist == 1, &e), 0);
		child = fork();
		if (child == 0) {
			bool here = off_marker_valid();

			_exit(unshare(CLONE_NEWNET) == -1 ? 2 : here && !off_marker_valid() ? 0 : 1);
		}
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), 0);
	}
}

/* --- processes */

/* A child called `name` that ignores SIGTERM or not; returns when it is ready. */
static pid_t start(const char *name, bool stubborn, bool stopped)
{
	int ready[2];
	char byte;
	pid_t child;

	assert_int_equal(pipe(ready), 0);
	child = fork();
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		prctl(PR_SET_NAME, name);
		signal(SIGTERM, stubborn ? SIG_IGN : SIG_DFL);
		if (write(ready[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	assert_true(child > 0);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	close(ready[1]);
	if (stopped) {
		int status;

		assert_int_equal(kill(child, SIGSTOP), 0);
		assert_int_equal(waitpid(child, &status, WUNTRACED), child);
		assert_true(WIFSTOPPED(status));
	}
	return child;
}

static void assert_ended_by(pid_t child, int number)
{
	int status;

	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), number);
}

static void a_daemon_is_ended(void **state)
{
	bool forced;
	pid_t child = start("pcl-test", false, false);

	(void)state;
	assert_int_equal(process_end(child, "pcl-test", 5000, &forced, &e), 0);
	assert_false(forced);
	assert_ended_by(child, SIGTERM);
	child = start("pcl-test", true, false);
	assert_int_equal(process_end(child, "pcl-test", 50, &forced, &e), 0);
	assert_true(forced);
	assert_ended_by(child, SIGKILL);
	child = start("pcl-test", false, true);
	assert_int_equal(process_end(child, "pcl-test", 50, &forced, &e), 0);
	assert_true(forced);
	assert_ended_by(child, SIGKILL);
	assert_int_equal(process_end(child, "pcl-test", 50, &forced, &e), 0); /* gone already */
}

static void another_name_is_left_alone(void **state)
{
	bool forced;
	pid_t child = start("somebody", false, false);

	(void)state;
	assert_int_equal(process_end(child, "pcl-test", 50, &forced, &e), -1);
	assert_non_null(strstr(e.text, " is not pcl-test"));
	assert_int_equal(waitpid(child, NULL, WNOHANG), 0); /* it lives */
	assert_int_equal(kill(child, SIGKILL), 0);
	assert_ended_by(child, SIGKILL);
}

static void daemons_are_found(void **state)
{
	int32_t pids[4];
	uint64_t before;
	pid_t child;

	(void)state;
	need_root();
	assert_int_equal(process_find("pcl-find", 0, pids, 4), 0);
	before = process_now();
	while (process_now() == before)
		poll(NULL, 0, 1); /* the next tick: what begins now is not older */
	child = start("pcl-find", false, false);
	assert_int_equal(process_find("pcl-find", 0, pids, 4), 1);
	assert_int_equal(pids[0], child);
	assert_int_equal(process_find("pcl-find", process_now(), pids, 4), 1);
	assert_int_equal(process_find("pcl-find", before, pids, 4), 0);
	assert_int_equal(process_find("pcl-other", 0, pids, 4), 0);
	assert_int_equal(kill(child, SIGKILL), 0);
	while (process_find("pcl-find", 0, pids, 4) != 0)
		poll(NULL, 0, 1); /* a zombie does not count, though it is not reaped yet */
	assert_ended_by(child, SIGKILL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_teardown(written_is_valid_cleared_is_not, clean),
	    cmocka_unit_test_teardown(doubtful_markers_mean_locked, clean),
	    cmocka_unit_test_teardown(another_network_namespace_is_not_meant, clean),
	    cmocka_unit_test(a_daemon_is_ended),
	    cmocka_unit_test(another_name_is_left_alone),
	    cmocka_unit_test(daemons_are_found),
	};

	return cmocka_run_group_tests(tests, isolate, NULL);
}
