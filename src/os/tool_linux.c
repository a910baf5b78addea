/* Running a tool on Linux: fork, exec, and a deadline by pidfd. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/text.h"
#include "os/tool.h"

enum { SAID_SIZE = 200, EXIT_NO_EXEC = 127, DESCRIPTORS = 1024 };

int tool_find(const char *name, char *path)
{
	static const char *const directories[] = {"/usr/bin",
						  "/bin",
						  "/usr/sbin",
						  "/sbin",
						  "/usr/local/bin",
						  "/usr/local/sbin",
						  "/run/current-system/sw/bin"};

	for (size_t i = 0; i < sizeof directories / sizeof directories[0]; i++) {
		size_t used = 0;

		if (text_append(path, TOOL_PATH_SIZE, &used, "%s/%s", directories[i], name) == 0 &&
		    access(path, X_OK) == 0)
			return 0;
	}
	return -1;
}

static int64_t now_ms(void)
{
	struct timespec now = {0};

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void close_descriptors(unsigned lowest)
{
	if (syscall(SYS_close_range, lowest, ~0u, 0u) == 0)
		return;
	for (int i = (int)lowest; i < DESCRIPTORS; i++) /* a kernel before 5.9 */
		close(i);
}

static void become_tool(const char *const *argv, int input, int output)
{
	char path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin", locale[] = "LC_ALL=C";
	char *const environment[] = {path, locale, NULL};
	char *arguments[16];
	size_t count = 0;
	sigset_t none;

	for (; count < sizeof arguments / sizeof arguments[0] - 1 && argv[count] != NULL; count++)
		arguments[count] = strdup(argv[count]);
	arguments[count] = NULL;
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)signal(SIGPIPE, SIG_DFL);
	(void)setsid(); /* so that the deadline ends its children too */
	if (count > 0 && argv[count] == NULL && arguments[0] != NULL && dup2(input, 0) != -1 &&
	    dup2(output, 1) != -1 && dup2(output, 2) != -1) {
		close_descriptors(3);
		execve(arguments[0], arguments, environment);
	}
	_exit(EXIT_NO_EXEC);
}

/* What the tool reads must lie ready: a pipe could fill and block us. */
static int input_of(const char *text)
{
	size_t length = text == NULL ? 0 : strlen(text);
	int pipes[2];

	if (pipe2(pipes, O_CLOEXEC | O_NONBLOCK) == -1)
		return -1;
	if (length != 0 && write(pipes[1], text, length) != (ssize_t)length) {
		close(pipes[0]);
		pipes[0] = -1;
		errno = EMSGSIZE;
	}
	close(pipes[1]);
	if (pipes[0] != -1)
		(void)fcntl(pipes[0], F_SETFL, 0);
	return pipes[0];
}

/* Takes what the tool says, so that it never blocks on us; keeps the beginning. */
static void hear(int output, char *said, size_t *used)
{
	char bytes[512];
	ssize_t got;

	while ((got = read(output, bytes, sizeof bytes)) > 0) {
		size_t room = SAID_SIZE - 1 - *used, take = (size_t)got < room ? (size_t)got : room;

		memcpy(said + *used, bytes, take);
		*used += take;
	}
	said[*used] = '\0';
}

/* Waits for the process itself: a child of it may keep the pipe open. */
static bool wait_until(int process, int output, int64_t deadline, char *said)
{
	struct pollfd waits[2] = {{.fd = process, .events = POLLIN}, {.fd = output, .events = POLLIN}};
	size_t used = 0;

	for (;;) {
		int64_t left = deadline - now_ms();

		if (left <= 0)
			return false;
		if (poll(waits, 2, (int)left) == -1 && errno != EINTR)
			return false;
		hear(output, said, &used);
		if ((waits[0].revents & POLLIN) != 0) {
			hear(output, said, &used);
			return true;
		}
		if ((waits[1].revents & (POLLHUP | POLLERR)) != 0)
			waits[1].fd = -1;
	}
}

static int judge(const char *name, int status, char *said, struct err *e)
{
	char *end = said + strlen(said);

	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	while (end > said && (end[-1] == '\n' || end[-1] == ' '))
		*--end = '\0';
	if (WIFSIGNALED(status))
		return err_set(e, "%s: ended by signal %d: %s", name, WTERMSIG(status), said);
	return err_set(e, "%s: exit %d: %s", name, WEXITSTATUS(status), said);
}

static int run(const char *const *argv, int input, const int *output, int milliseconds, struct err *e)
{
	int64_t deadline = now_ms() + milliseconds;
	char said[SAID_SIZE] = "";
	int status = 0, process;
	bool ended;
	pid_t pid;

	pid = fork();
	if (pid == 0)
		become_tool(argv, input, output[1]);
	if (pid == -1)
		return err_errno(e, "%s", argv[0]);
	process = (int)syscall(SYS_pidfd_open, pid, 0);
	ended = process != -1 && wait_until(process, output[0], deadline, said);
	if (process != -1)
		close(process);
	if (!ended) {
		(void)kill(-pid, SIGKILL);
		(void)kill(pid, SIGKILL);
	}
	while (waitpid(pid, &status, 0) == -1 && errno == EINTR)
		;
	if (!ended)
		return err_set(e, "%s: no end after %d ms: killed", argv[0], milliseconds);
	return judge(argv[0], status, said, e);
}

int tool_run(const char *const *argv, const char *input, int milliseconds, struct err *e)
{
	int output[2], in = input_of(input), result;

	if (in == -1)
		return err_errno(e, "%s", argv[0]);
	if (pipe2(output, O_CLOEXEC | O_NONBLOCK) == -1) {
		err_errno(e, "%s", argv[0]);
		close(in);
		return -1;
	}
	result = run(argv, in, output, milliseconds, e);
	close(in);
	close(output[0]);
	close(output[1]);
	return result;
}
