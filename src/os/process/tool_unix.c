/* Running a tool: fork, exec, a talk, and a deadline. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/text.h"
#include "os/host/clock.h"
#include "os/process/child.h"
#include "os/process/descriptor.h"
#include "os/process/pid.h"
#include "os/process/tool.h"

enum { SAID_SIZE = 200, EXIT_NO_EXEC = 127, ARGUMENTS_MAX = 32, LAST_WAIT = 2000, READS_A_TURN = 64 };

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

/* Where what a tool says goes: as much as fits, and was that all? */
struct heard {
	char *bytes;
	size_t size, used;
	bool cut;
};

enum { PROCESS, INPUT, OUTPUT, ERRORS, ENDS };

struct talk {
	struct pollfd ends[ENDS];      /* fd -1: closed, or there is none */
	int theirs[ENDS];              /* the tool's ends of the pipes */
	const char *input;             /* what it has not read yet */
	struct heard *output, *errors; /* errors NULL: in between the output */
};

static void become_tool(const char *const *argv, int input, int output, int errors)
{
	char path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin", locale[] = "LC_ALL=C";
	char *const environment[] = {path, locale, NULL};
	char *arguments[ARGUMENTS_MAX];
	size_t count = 0;
	sigset_t none;

	for (; count < ARGUMENTS_MAX - 1 && argv[count] != NULL; count++)
		arguments[count] = strdup(argv[count]);
	arguments[count] = NULL;
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)signal(SIGPIPE, SIG_DFL);
	(void)setsid(); /* so that the deadline ends its children too */
	if (count > 0 && argv[count] == NULL && arguments[0] != NULL && dup2(input, 0) != -1 &&
	    dup2(output, 1) != -1 && dup2(errors, 2) != -1) {
		descriptor_close_from(3);
		execve(arguments[0], arguments, environment);
		dprintf(2, "%s", strerror(errno));
	}
	_exit(EXIT_NO_EXEC);
}

pid_t tool_start(const char *const *argv, int input, int output, int errors)
{
	pid_t pid = child_fork();

	if (pid == 0)
		become_tool(argv, input, output, errors);
	return pid;
}

static void close_end(int *end)
{
	if (*end != -1)
		close(*end);
	*end = -1;
}

/* Only our end must not block: the tool's is as a tool expects it. */
static int open_pipe(int *ours, int *theirs, bool we_read)
{
	int pipes[2];

	if (descriptor_pipe(pipes, false) == -1)
		return -1;
	*ours = pipes[we_read ? 0 : 1];
	*theirs = pipes[we_read ? 1 : 0];
	return fcntl(*ours, F_SETFL, O_NONBLOCK);
}

static int open_pipes(struct talk *talk)
{
	for (int i = 0; i < ENDS; i++)
		talk->ends[i].fd = talk->theirs[i] = -1;
	if (open_pipe(&talk->ends[INPUT].fd, &talk->theirs[INPUT], false) == -1 ||
	    open_pipe(&talk->ends[OUTPUT].fd, &talk->theirs[OUTPUT], true) == -1)
		return -1;
	if (talk->errors != NULL)
		return open_pipe(&talk->ends[ERRORS].fd, &talk->theirs[ERRORS], true);
	talk->theirs[ERRORS] = fcntl(talk->theirs[OUTPUT], F_DUPFD_CLOEXEC, 0);
	return talk->theirs[ERRORS];
}

static void close_theirs(struct talk *talk)
{
	for (int i = INPUT; i < ENDS; i++)
		close_end(&talk->theirs[i]);
}

/* Takes what the tool says, so that it never blocks on us; keeps what fits. As
 * much as a pipe holds, then the deadline is looked at again. */
static void read_output(struct pollfd *end, struct heard *heard)
{
	char bytes[4096];
	ssize_t got;

	for (int i = 0; i < READS_A_TURN && end->fd != -1 && (got = read(end->fd, bytes, sizeof bytes)) != -1;
	     i++) {
		size_t room = heard->size - 1 - heard->used, take = (size_t)got < room ? (size_t)got : room;

		memcpy(heard->bytes + heard->used, bytes, take);
		heard->used += take;
		heard->bytes[heard->used] = '\0';
		heard->cut |= take < (size_t)got || memchr(bytes, '\0', (size_t)got) != NULL;
		if (got == 0)
			close_end(&end->fd);
	}
}

/* As much as it reads now. What it does not want any more stays in talk->input. */
static void write_input(struct talk *talk)
{
	size_t left = strlen(talk->input);
	ssize_t sent = 0;

	if (talk->ends[INPUT].fd == -1)
		return;
	if (left > 0)
		sent = write(talk->ends[INPUT].fd, talk->input, left);
	if (sent > 0)
		talk->input += sent;
	if (talk->input[0] == '\0' || (sent == -1 && errno != EAGAIN && errno != EINTR))
		close_end(&talk->ends[INPUT].fd);
}

/* Until the process itself has ended: a child of it may keep the pipes open. */
static bool talk_until(struct talk *talk, int64_t deadline)
{
	int64_t left;

	while ((left = deadline - clock_steady_ms()) > 0) {
		write_input(talk);
		if (poll(talk->ends, ENDS, (int)left) == -1 && errno != EINTR)
			return false;
		read_output(&talk->ends[OUTPUT], talk->output);
		read_output(&talk->ends[ERRORS], talk->errors);
		/* All that it said was said before it ended, so it is in the pipes now. */
		if (pid_ended(talk->ends[PROCESS].fd, 0)) {
			read_output(&talk->ends[OUTPUT], talk->output);
			read_output(&talk->ends[ERRORS], talk->errors);
			return true;
		}
	}
	return false;
}

/* In one line: the beginning of what it said. */
static const char *words_of(const struct talk *talk, char *to)
{
	const struct heard *heard =
	    talk->errors != NULL && talk->errors->used > 0 ? talk->errors : talk->output;
	size_t length = heard->used < SAID_SIZE - 1 ? heard->used : SAID_SIZE - 1;

	while (length > 0 && (heard->bytes[length - 1] == '\n' || heard->bytes[length - 1] == ' '))
		length--;
	memcpy(to, heard->bytes, length);
	to[length] = '\0';
	return to;
}

static int judge(const char *name, int status, const struct talk *talk, struct err *e)
{
	char words[SAID_SIZE];

	if (WIFSIGNALED(status))
		return err_set(e, "%s: ended by signal %d: %s", name, WTERMSIG(status),
			       words_of(talk, words));
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return err_set(e, "%s: exit %d: %s", name, WEXITSTATUS(status), words_of(talk, words));
	if (talk->input[0] != '\0')
		return err_set(e, "%s: did not read all of its input", name);
	return 0;
}

/* Killed, it is gone at once; one that is stuck in the kernel is not waited for. */
static void end_tool(const struct talk *talk, pid_t pid)
{
	(void)kill(-pid, SIGKILL);
	(void)kill(pid, SIGKILL);
	if (talk->ends[PROCESS].fd != -1)
		(void)pid_ended(talk->ends[PROCESS].fd, LAST_WAIT);
}

static int converse(const char *const *argv, struct talk *talk, int milliseconds, struct err *e)
{
	int64_t deadline = clock_steady_ms() + milliseconds;
	int status = 0;
	bool ended;
	pid_t pid = tool_start(argv, talk->theirs[INPUT], talk->theirs[OUTPUT], talk->theirs[ERRORS]), reaped;

	if (pid == -1)
		return err_errno(e, "%s", argv[0]);
	close_theirs(talk);
	talk->ends[PROCESS].fd = pid_open(pid);
	ended = talk->ends[PROCESS].fd != -1 && talk_until(talk, deadline);
	if (!ended)
		end_tool(talk, pid);
	while ((reaped = waitpid(pid, &status, ended ? 0 : WNOHANG)) == -1 && errno == EINTR)
		;
	if (!ended)
		return err_set(e, "%s: killed after %d ms", argv[0], milliseconds);
	return reaped == pid ? judge(argv[0], status, talk, e)
			     : err_errno(e, "%s: its exit status is not known", argv[0]);
}

static int run(const char *const *argv, const char *input, struct heard *output, struct heard *errors,
	       int milliseconds, struct err *e)
{
	struct talk talk = {.ends = {[PROCESS].events = POLLIN,
				     [INPUT].events = POLLOUT,
				     [OUTPUT].events = POLLIN,
				     [ERRORS].events = POLLIN},
			    .input = input == NULL ? "" : input,
			    .output = output,
			    .errors = errors};
	const struct sigaction ignore = {.sa_handler = SIG_IGN};
	struct sigaction before;
	int result;

	/* A tool that does not read its input is to fail, not us. */
	(void)sigaction(SIGPIPE, &ignore, &before);
	result =
	    open_pipes(&talk) == -1 ? err_errno(e, "%s", argv[0]) : converse(argv, &talk, milliseconds, e);
	(void)sigaction(SIGPIPE, &before, NULL);
	close_theirs(&talk);
	for (int i = 0; i < ENDS; i++)
		close_end(&talk.ends[i].fd);
	return result;
}

static int heard_whole(const char *name, const struct heard *heard, struct err *e)
{
	return heard->cut ? err_set(e, "%s: its output is longer than %zu bytes, or is not text", name,
				    heard->size - 1)
			  : 0;
}

int tool_run(const char *const *argv, const char *input, int milliseconds, struct err *e)
{
	char said[SAID_SIZE] = "";
	struct heard heard = {.bytes = said, .size = sizeof said};

	return run(argv, input, &heard, NULL, milliseconds, e);
}

int tool_ask(const char *const *argv, const char *input, int milliseconds, char *output, size_t size,
	     struct err *e)
{
	char said[SAID_SIZE] = "";
	struct heard heard = {.bytes = output, .size = size}, errors = {.bytes = said, .size = sizeof said};

	output[0] = '\0';
	return run(argv, input, &heard, &errors, milliseconds, e) == -1 ? -1
									: heard_whole(argv[0], &heard, e);
}

int tool_ask_all(const char *const *argv, const char *input, int milliseconds, char *output, size_t size,
		 struct err *e)
{
	struct heard heard = {.bytes = output, .size = size};

	output[0] = '\0';
	return run(argv, input, &heard, NULL, milliseconds, e) == -1 ? -1 : heard_whole(argv[0], &heard, e);
}
