/* Runs a tool: fork, exec, its input and output, and a deadline. */
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

enum { BEGINNING_SIZE = 200, EXIT_NO_EXEC = 127, ARGUMENTS_MAX = 32, LAST_WAIT = 2000, READS_A_TURN = 64 };

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

/* Where a tool's output goes: as much as fits, and was that all? */
struct output {
	char *bytes;
	size_t size, used;
	bool cut;
};

enum { PROCESS, INPUT, OUTPUT, ERRORS, ENDS };

struct exchange {
	struct pollfd ends[ENDS];       /* fd -1: closed, or there is none */
	int theirs[ENDS];               /* the tool's ends of the pipes */
	const char *input;              /* what it has not read yet */
	struct output *output, *errors; /* errors NULL: in between the output */
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

static int open_pipes(struct exchange *exchange)
{
	for (int i = 0; i < ENDS; i++)
		exchange->ends[i].fd = exchange->theirs[i] = -1;
	if (open_pipe(&exchange->ends[INPUT].fd, &exchange->theirs[INPUT], false) == -1 ||
	    open_pipe(&exchange->ends[OUTPUT].fd, &exchange->theirs[OUTPUT], true) == -1)
		return -1;
	if (exchange->errors != NULL)
		return open_pipe(&exchange->ends[ERRORS].fd, &exchange->theirs[ERRORS], true);
	exchange->theirs[ERRORS] = fcntl(exchange->theirs[OUTPUT], F_DUPFD_CLOEXEC, 0);
	return exchange->theirs[ERRORS];
}

static void close_theirs(struct exchange *exchange)
{
	for (int i = INPUT; i < ENDS; i++)
		close_end(&exchange->theirs[i]);
}

/* Takes what the tool says, so that it never blocks on us; keeps what fits. As
 * much as a pipe holds, then the deadline is looked at again. */
static void read_output(struct pollfd *end, struct output *text)
{
	char bytes[4096];
	ssize_t got;

	for (int i = 0; i < READS_A_TURN && end->fd != -1 && (got = read(end->fd, bytes, sizeof bytes)) != -1;
	     i++) {
		size_t room = text->size - 1 - text->used, take = (size_t)got < room ? (size_t)got : room;

		memcpy(text->bytes + text->used, bytes, take);
		text->used += take;
		text->bytes[text->used] = '\0';
		text->cut |= take < (size_t)got || memchr(bytes, '\0', (size_t)got) != NULL;
		if (got == 0)
			close_end(&end->fd);
	}
}

/* As much as it reads now. What it does not want any more stays in exchange->input. */
static void write_input(struct exchange *exchange)
{
	size_t left = strlen(exchange->input);
	ssize_t sent = 0;

	if (exchange->ends[INPUT].fd == -1)
		return;
	if (left > 0)
		sent = write(exchange->ends[INPUT].fd, exchange->input, left);
	if (sent > 0)
		exchange->input += sent;
	if (exchange->input[0] == '\0' || (sent == -1 && errno != EAGAIN && errno != EINTR))
		close_end(&exchange->ends[INPUT].fd);
}

/* Until the process itself has ended: a child of it may keep the pipes open. */
static bool exchange_until(struct exchange *exchange, int64_t deadline)
{
	int64_t left;

	while ((left = deadline - clock_steady_ms()) > 0) {
		write_input(exchange);
		if (poll(exchange->ends, ENDS, (int)left) == -1 && errno != EINTR)
			return false;
		read_output(&exchange->ends[OUTPUT], exchange->output);
		read_output(&exchange->ends[ERRORS], exchange->errors);
		/* All that it wrote was written before it ended, so it is in the pipes now. */
		if (pid_ended(exchange->ends[PROCESS].fd, 0)) {
			read_output(&exchange->ends[OUTPUT], exchange->output);
			read_output(&exchange->ends[ERRORS], exchange->errors);
			return true;
		}
	}
	return false;
}

/* In one line: the beginning of its output. */
static const char *words_of(const struct exchange *exchange, char *to)
{
	const struct output *text =
	    exchange->errors != NULL && exchange->errors->used > 0 ? exchange->errors : exchange->output;
	size_t length = text->used < BEGINNING_SIZE - 1 ? text->used : BEGINNING_SIZE - 1;

	while (length > 0 && (text->bytes[length - 1] == '\n' || text->bytes[length - 1] == ' '))
		length--;
	memcpy(to, text->bytes, length);
	to[length] = '\0';
	return to;
}

static int judge(const char *name, int status, const struct exchange *exchange, struct err *e)
{
	char words[BEGINNING_SIZE];

	if (WIFSIGNALED(status))
		return err_set(e, "%s: ended by signal %d: %s", name, WTERMSIG(status),
			       words_of(exchange, words));
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return err_set(e, "%s: exit %d: %s", name, WEXITSTATUS(status), words_of(exchange, words));
	if (exchange->input[0] != '\0')
		return err_set(e, "%s: did not read all of its input", name);
	return 0;
}

/* Killed, it is gone at once; one that is stuck in the kernel is not waited for. */
static void end_tool(const struct exchange *exchange, pid_t pid)
{
	(void)kill(-pid, SIGKILL);
	(void)kill(pid, SIGKILL);
	if (exchange->ends[PROCESS].fd != -1)
		(void)pid_ended(exchange->ends[PROCESS].fd, LAST_WAIT);
}

static int run_and_reap(const char *const *argv, struct exchange *exchange, int milliseconds, struct err *e)
{
	int64_t deadline = clock_steady_ms() + milliseconds;
	int status = 0;
	bool ended;
	pid_t pid = tool_start(argv, exchange->theirs[INPUT], exchange->theirs[OUTPUT],
			       exchange->theirs[ERRORS]),
	      reaped;

	if (pid == -1)
		return err_errno(e, "%s", argv[0]);
	close_theirs(exchange);
	exchange->ends[PROCESS].fd = pid_open(pid);
	ended = exchange->ends[PROCESS].fd != -1 && exchange_until(exchange, deadline);
	if (!ended)
		end_tool(exchange, pid);
	while ((reaped = waitpid(pid, &status, ended ? 0 : WNOHANG)) == -1 && errno == EINTR)
		;
	if (!ended)
		return err_set(e, "%s: killed after %d ms", argv[0], milliseconds);
	return reaped == pid ? judge(argv[0], status, exchange, e)
			     : err_errno(e, "%s: its exit status is not known", argv[0]);
}

static int run(const char *const *argv, const char *input, struct output *output, struct output *errors,
	       int milliseconds, struct err *e)
{
	struct exchange exchange = {.ends = {[PROCESS].events = POLLIN,
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
	result = open_pipes(&exchange) == -1 ? err_errno(e, "%s", argv[0])
					     : run_and_reap(argv, &exchange, milliseconds, e);
	(void)sigaction(SIGPIPE, &before, NULL);
	close_theirs(&exchange);
	for (int i = 0; i < ENDS; i++)
		close_end(&exchange.ends[i].fd);
	return result;
}

static int check_whole(const char *name, const struct output *text, struct err *e)
{
	return text->cut ? err_set(e, "%s: its output is longer than %zu bytes, or is not text", name,
				   text->size - 1)
			 : 0;
}

int tool_run(const char *const *argv, const char *input, int milliseconds, struct err *e)
{
	char beginning[BEGINNING_SIZE] = "";
	struct output text = {.bytes = beginning, .size = sizeof beginning};

	return run(argv, input, &text, NULL, milliseconds, e);
}

int tool_output(const char *const *argv, const char *input, int milliseconds, char *output, size_t size,
		struct err *e)
{
	char beginning[BEGINNING_SIZE] = "";
	struct output text = {.bytes = output, .size = size},
		      errors = {.bytes = beginning, .size = sizeof beginning};

	output[0] = '\0';
	return run(argv, input, &text, &errors, milliseconds, e) == -1 ? -1 : check_whole(argv[0], &text, e);
}

int tool_output_all(const char *const *argv, const char *input, int milliseconds, char *output, size_t size,
		    struct err *e)
{
	struct output text = {.bytes = output, .size = size};

	output[0] = '\0';
	return run(argv, input, &text, NULL, milliseconds, e) == -1 ? -1 : check_whole(argv[0], &text, e);
}
