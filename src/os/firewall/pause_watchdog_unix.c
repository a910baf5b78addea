/* The pause watchdog: forked, in a session of its own, known by the lockfile that it keeps. */
#include "os/firewall/pause_watchdog.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "base/log.h"
#include "os/host/clock.h"
#include "os/host/lockfile.h"
#include "os/host/off_marker.h"
#include "os/process/child.h"
#include "os/process/descriptor.h"
#include "os/process/pid.h"

#define LOCKFILE PORTCULLIS_RUNDIR "/portcullis/guardian" /* as earlier versions call it */
#define WATCHES "watches\n"

enum { HANDSHAKE_MS = 3000, DISMISS_MS = 3000, TICK_MS = 1000, LATE_MS = 5000, RETRY_FIRST_MS = 50 };
enum { KEPT = 3 }; /* the descriptor of its word to the parent */

static int wake[2]; /* by a signal: 'c' close and leave, 'l' leave */

static void on_signal(int number)
{
	int before = errno;

	(void)!write(wake[1], number == SIGUSR1 ? "l" : "c", 1);
	errno = before;
}

/* Waits; 'l' or 'c' if a signal came meanwhile, else 0. */
static char wait_for_word(int milliseconds)
{
	struct pollfd wait = {.fd = wake[0], .events = POLLIN};
	char word = '\0', one;

	(void)poll(&wait, 1, milliseconds);
	while (read(wake[0], &one, 1) == 1)
		word = word == 'l' ? 'l' : one;
	return word;
}

/* Until `seconds` are over, by whichever clock is first: one of them
 * counts the machine's sleep, and one can't be set. A tick that comes late
 * shows a sleep too. Returns what wait_for_word() does. */
static char watch_clocks(uint32_t seconds)
{
	int64_t length = (int64_t)seconds * 1000;
	int64_t monotonic = clock_steady_ms(), real = clock_ms(CLOCK_REALTIME), last = real;

	for (;;) {
		int64_t steady = length - (clock_steady_ms() - monotonic);
		int64_t now = clock_ms(CLOCK_REALTIME), wall = length - (now - real);
		int64_t left = steady < wall ? steady : wall;
		char word;

		if (left <= 0 || now - last > TICK_MS + LATE_MS)
			return '\0';
		last = now;
		word = wait_for_word(left < TICK_MS ? (int)left : TICK_MS);
		if (word != '\0')
			return word;
	}
}

/* Never gives up: nobody else would close. */
static void close_gate(const struct pause_watchdog_work *work)
{
	struct err e = {""};
	int pause = RETRY_FIRST_MS;

	while (!off_marker_valid() && work->close(work->argument, &e) == -1) {
		if (wait_for_word(pause) == 'l')
			return;
		pause = pause < TICK_MS / 2 ? pause * 2 : TICK_MS;
	}
}

static int catch_signals(void)
{
	static const int ours[] = {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1};
	struct sigaction catch = {.sa_handler = on_signal}, ignore = {.sa_handler = SIG_IGN};
	sigset_t none;

	if (descriptor_pipe(wake, true) == -1)
		return -1;
	for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++)
		(void)sigaction(ours[i], &catch, NULL);
	(void)sigaction(SIGPIPE, &ignore, NULL);
	sigemptyset(&none);
	return sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Nothing of the daemon's stays open here: its sockets, its log, its locks. */
static int let_go_of_parent(int word)
{
	int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (nothing == -1 || dup2(nothing, 0) == -1 || dup2(nothing, 1) == -1 || dup2(nothing, 2) == -1 ||
	    (word != KEPT && dup2(word, KEPT) == -1) || fcntl(KEPT, F_SETFD, FD_CLOEXEC) == -1)
		return -1;
	descriptor_close_from(KEPT + 1);
	return 0;
}

static int begin_watching(const struct pause_watchdog_work *work, struct err *e)
{
	int file = lockfile_open(LOCKFILE, e), locked;
	int32_t other = 0;

	if (file == -1)
		return -1;
	locked = lockfile_lock(file, &other); /* kept until the end of the process */
	if (locked == 1)
		return err_set(e, "process %d already watches a pause; instead: portcullis resume",
			       (int)other);
	if (locked == -1 || catch_signals() == -1)
		return err_errno(e, "%s", LOCKFILE);
	return work->look(work->argument, e);
}

static _Noreturn void run_watchdog(const struct pause_watchdog_work *work, uint32_t seconds, int word)
{
	struct err e = {""};

	(void)setsid();
	log_open(-1, LOG_ERROR); /* its descriptor will be somebody else's */
	log_copy(-1);
	if (let_go_of_parent(word) == -1)
		_exit(1);
	if (begin_watching(work, &e) == -1) {
		(void)io_write_all(KEPT, e.text, strlen(e.text));
		_exit(1);
	}
	/* If nobody read it there is no pause. */
	if (io_write_all(KEPT, WATCHES, strlen(WATCHES)) == -1)
		_exit(1);
	(void)close(KEPT);
	if (watch_clocks(seconds) != 'l')
		close_gate(work);
	_exit(0);
}

/* What it reports first, to the end, or until the deadline. */
static void read_report(int from, char *to, size_t size)
{
	int64_t deadline = clock_steady_ms() + HANDSHAKE_MS, left;
	struct pollfd wait = {.fd = from, .events = POLLIN};
	size_t used = 0;
	ssize_t got = 1;

	while (got != 0 && used < size - 1 && (left = deadline - clock_steady_ms()) > 0) {
		if (poll(&wait, 1, (int)left) <= 0)
			continue;
		got = read(from, to + used, size - 1 - used);
		used += got > 0 ? (size_t)got : 0;
	}
	to[used] = '\0';
}

int pause_watchdog_start(const struct pause_watchdog_work *work, uint32_t seconds, struct err *e)
{
	char words[sizeof e->text];
	int ends[2], status;
	pid_t pid;

	if (descriptor_pipe(ends, false) == -1)
		return err_errno(e, "the pause watchdog can't be started");
	pid = child_fork();
	if (pid == 0)
		run_watchdog(work, seconds, ends[1]);
	if (pid == -1) {
		err_errno(e, "the pause watchdog can't be started");
		close(ends[0]);
		close(ends[1]);
		return -1;
	}
	close(ends[1]);
	read_report(ends[0], words, sizeof words);
	close(ends[0]);
	if (strcmp(words, WATCHES) == 0)
		return 0;
	(void)kill(pid, SIGKILL);
	(void)child_reap(pid, &status);
	return err_set(e, "the pause watchdog does not work: %s", words[0] == '\0' ? "no answer" : words);
}

bool pause_watchdog_lives(void)
{
	int32_t pid = 0;

	return lockfile_owner_at(LOCKFILE, &pid) == 0 && pid > 0;
}

int pause_watchdog_dismiss(struct err *e)
{
	int32_t pid = 0, again = 0;
	int process, result = lockfile_owner_at(LOCKFILE, &pid);

	if (result == -1)
		return err_errno(e, "%s", LOCKFILE);
	if (pid <= 0)
		return 0;
	if ((process = pid_open(pid)) == -1)
		return errno == ESRCH ? 0 : err_errno(e, "process %d, which watches a pause", (int)pid);
	/* Still the same one, now that we hold it? */
	if (lockfile_owner_at(LOCKFILE, &again) == 0 && again == pid) {
		(void)pid_signal(process, pid, SIGUSR1);
		if (!pid_ended(process, DISMISS_MS))
			(void)pid_signal(process, pid, SIGKILL);
		result = pid_ended(process, DISMISS_MS) ? 0 : -1;
	}
	close(process);
	if (result == -1)
		return err_set(e, "process %d, which watches a pause, does not exit", (int)pid);
	return 0;
}
