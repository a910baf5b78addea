/* An async tool: its output is an event, and so is its deadline. */
#include "os/process/tool_async.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/host/clock.h"
#include "os/process/descriptor.h"
#include "os/process/tool.h"

struct tool_async {
	struct event *readable, *late;
	struct event_base *base;
	char *output;
	size_t size, used;
	pid_t pid; /* 0: none runs */
	int fd;
	tool_output_cb *cb;
	void *argument;
};

/* Closed, so that a tool that still runs ends when it writes; killed, so that it ends anyway. */
static void finish(struct tool_async *tool)
{
	if (tool->pid == 0)
		return;
	event_del(tool->late);
	event_free(tool->readable);
	tool->readable = NULL;
	close(tool->fd);
	(void)kill(-tool->pid, SIGKILL);
	(void)waitpid(tool->pid, NULL, WNOHANG);
	tool->pid = 0;
}

static void report(struct tool_async *tool, bool whole)
{
	finish(tool);
	tool->output[tool->used] = '\0';
	if (strlen(tool->output) != tool->used)
		whole = false;
	tool->cb(whole ? tool->output : NULL, tool->argument);
}

static void read_cb(evutil_socket_t fd, short what, void *argument)
{
	struct tool_async *tool = argument;
	ssize_t got = read(fd, tool->output + tool->used, tool->size - 1 - tool->used);

	(void)what;
	if (got > 0)
		tool->used += (size_t)got;
	if (got == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got <= 0 || tool->used == tool->size - 1)
		report(tool, got == 0);
}

static void late_cb(evutil_socket_t fd, short what, void *argument)
{
	(void)fd, (void)what;
	report(argument, false);
}

struct tool_async *tool_async_new(struct event_base *base, size_t size, tool_output_cb *cb, void *argument)
{
	struct tool_async *tool = calloc(1, sizeof *tool);

	if (tool == NULL)
		return NULL;
	*tool = (struct tool_async){.base = base, .size = size, .cb = cb, .argument = argument};
	tool->output = malloc(size);
	tool->late = evtimer_new(base, late_cb, tool);
	if (tool->output != NULL && tool->late != NULL)
		return tool;
	tool_async_free(tool);
	return NULL;
}

/* The tool's ends are closed here, so that its end is the output's end. */
static pid_t start(const char *const *argv, int output)
{
	int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
	pid_t pid = nothing == -1 ? -1 : tool_start(argv, nothing, output, nothing);

	if (nothing != -1)
		close(nothing);
	close(output);
	return pid;
}

int tool_async_begin(struct tool_async *tool, const char *const *argv, int milliseconds, struct err *e)
{
	struct timeval limit = clock_timeval(milliseconds);
	int ends[2];

	if (tool->pid != 0)
		return err_set(e, "%s: one is already running", argv[0]);
	if (descriptor_pipe(ends, false) == -1 || fcntl(ends[0], F_SETFL, O_NONBLOCK) == -1)
		return err_errno(e, "%s", argv[0]);
	tool->used = 0;
	tool->fd = ends[0];
	tool->pid = start(argv, ends[1]);
	if (tool->pid == -1) {
		tool->pid = 0;
		close(ends[0]);
		return err_errno(e, "%s", argv[0]);
	}
	tool->readable = event_new(tool->base, tool->fd, EV_READ | EV_PERSIST, read_cb, tool);
	if (tool->readable == NULL || event_add(tool->readable, NULL) == -1 ||
	    event_add(tool->late, &limit) == -1) {
		finish(tool);
		return err_set(e, "%s: no memory", argv[0]);
	}
	return 0;
}

bool tool_async_runs(const struct tool_async *tool)
{
	return tool->pid != 0;
}

void tool_async_free(struct tool_async *tool)
{
	if (tool == NULL)
		return;
	finish(tool);
	if (tool->late != NULL)
		event_free(tool->late);
	free(tool->output);
	free(tool);
}
