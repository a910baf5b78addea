/* What the child port does alike everywhere: waiting, ending, becoming a program. */
#include "os/process/child.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/process/descriptor.h"
#include "os/process/pid.h"

enum { END_WAIT_MS = 1000, CHILD_DESCRIPTORS = 16 };

uint64_t child_started(pid_t pid)
{
	struct pid_facts facts;

	return pid_query(pid, &facts) == 0 ? facts.began : 0;
}

/* Those that portcullisd handles. */
static void forget_handlers(void)
{
	static const int handled[] = {SIGCHLD, SIGTERM, SIGINT, SIGHUP};

	for (size_t i = 0; i < sizeof handled / sizeof *handled; i++)
		(void)signal(handled[i], SIG_DFL);
}

pid_t child_fork(void)
{
	sigset_t every, before;
	pid_t pid;

	sigfillset(&every);
	sigprocmask(SIG_BLOCK, &every, &before);
	pid = fork();
	if (pid == 0)
		forget_handlers();
	sigprocmask(SIG_SETMASK, &before, NULL);
	return pid;
}

int child_reap(pid_t pid, int *status)
{
	pid_t reaped;

	while ((reaped = waitpid(pid, status, 0)) == -1 && errno == EINTR)
		;
	if (reaped != -1)
		return 0;
	*status = -1;
	return -1;
}

int child_wait(pid_t pid, int milliseconds)
{
	int descriptor = pid_open(pid), status;

	/* A stopped child would be waited for for ever. */
	if (descriptor == -1 || !pid_ended(descriptor, milliseconds))
		kill(pid, SIGKILL);
	(void)child_reap(pid, &status);
	if (descriptor != -1)
		close(descriptor);
	return status;
}

int child_end(pid_t pid, uint64_t started)
{
	int descriptor, result = 0;

	if (pid <= 1 || started == 0 || child_started(pid) != started)
		return 0;
	if ((descriptor = pid_open(pid)) == -1)
		return errno == ESRCH ? 0 : -1;
	/* The descriptor now names the process; query once more that it is the one. */
	if (child_started(pid) == started) {
		(void)pid_signal(descriptor, pid, SIGKILL);
		result = pid_ended(descriptor, END_WAIT_MS) ? 0 : -1;
	}
	close(descriptor);
	return result;
}

const char *child_sibling(const char *name, const char *fallback, char *to, size_t size)
{
	char self[PATH_MAX], *slash;

	if (child_own_path(self, sizeof self) == 0) {
		if ((slash = strrchr(self, '/')) != NULL)
			slash[1] = '\0';
		snprintf(to, size, "%s%s", self, name);
		if (access(to, F_OK) == 0)
			return to;
	}
	snprintf(to, size, "%s/%s", fallback, name);
	return to;
}

/* First out of the way of the places, then into them. */
int child_place(const int *from, size_t count, int first)
{
	int above = first + (int)count, away[CHILD_DESCRIPTORS];

	errno = EMFILE;
	if (count > CHILD_DESCRIPTORS)
		return -1;
	for (size_t i = 0; i < count; i++) {
		away[i] = from[i] >= above ? from[i] : fcntl(from[i], F_DUPFD, above);
		if (away[i] == -1)
			return -1;
	}
	for (size_t i = 0; i < count; i++) {
		if (dup2(away[i], first + (int)i) == -1)
			return -1;
	}
	descriptor_close_from(above);
	return 0;
}

_Noreturn void child_exec(const char *path, char *const arguments[], const int *from, size_t count, int first)
{
	static char *const environment[] = {NULL};

	if (child_place(from, count, first) == 0 && child_die_with_parent() == 0)
		execve(path, arguments, environment);
	dprintf(2, "%s: %s\n", path, strerror(errno));
	_exit(127);
}
