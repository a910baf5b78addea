/* Watches ipfw: nothing reports that its rules change, so they are looked at each second. */
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "os/firewall/ipfw/ipfw.h"
#include "os/firewall/pause_watchdog.h"
#include "os/process/tool_async.h"

enum { LOOK_MS = 900 }; /* of each second */

struct ipfw_watch {
	struct ipfw_firewall *fw;
	struct event *tick;
	struct tool_async *list;
	uint32_t epoch;            /* of the look that runs */
	char pipe[IPFW_RULE_TEXT]; /* the rule that was named last: "" none */
	firewall_foreign_cb *cb;
	void *argument;
};

/* Nothing can be restored here: what waits in a pipe has been judged, and leaves when its time comes. */
static void name_pipe(struct ipfw_watch *watch, const struct ipfw_view *view)
{
	if (view->pipe[0] != '\0' && strcmp(view->pipe, watch->pipe) != 0)
		log_warn("gate",
			 "packets that wait in a dummynet pipe when the gate shuts leave unfiltered: %s; "
			 "instead: delete that rule and its pipe",
			 view->pipe);
	memcpy(watch->pipe, view->pipe, sizeof watch->pipe);
}

/* Between two asserts: `armed`, and nothing has been asserted since the look began. */
static void report_difference(const char *listing, void *argument)
{
	struct ipfw_watch *watch = argument;
	struct ipfw_view view;
	struct err e = {""};

	if (!watch->fw->armed || watch->epoch != watch->fw->epoch)
		return;
	if (listing == NULL) {
		watch->cb("ipfw does not answer", watch->argument);
		return;
	}
	if (ipfw_view_read(listing, &view, &e) == 0) {
		name_pipe(watch, &view);
		if (ipfw_compare(watch->fw, &view, &e) == 0)
			return;
	}
	watch->cb(e.text, watch->argument);
}

static void tick_cb(evutil_socket_t fd, short what, void *argument)
{
	struct ipfw_watch *watch = argument;
	struct err e = {""};

	(void)fd, (void)what;
	if (watch->fw->paused && !pause_watchdog_lives())
		watch->cb("no process is left to end the pause", watch->argument);
	if (!watch->fw->armed || tool_async_runs(watch->list))
		return;
	watch->epoch = watch->fw->epoch;
	if (ipfw_kernel_state() != 1)
		watch->cb("somebody else has disabled ipfw", watch->argument);
	else if (ipfw_probe_links(watch->fw, &e) == -1)
		watch->cb(e.text, watch->argument);
	else if (tool_async_begin(watch->list, ipfw_list_command(), LOOK_MS, &e) == -1)
		watch->cb(e.text, watch->argument);
}

void ipfw_watch_close(struct ipfw_watch *watch)
{
	if (watch == NULL)
		return;
	if (watch->tick != NULL)
		event_free(watch->tick);
	tool_async_free(watch->list);
	free(watch);
}

int ipfw_watch_open(struct firewall *common, struct event_base *base, firewall_foreign_cb *cb, void *argument,
		    struct err *e)
{
	struct ipfw_firewall *fw = ipfw_of(common);
	static const struct timeval second = {.tv_sec = 1};
	struct ipfw_watch *watch = calloc(1, sizeof *watch);

	if (watch == NULL)
		return err_errno(e, "ipfw can't be watched");
	*watch = (struct ipfw_watch){.fw = fw, .cb = cb, .argument = argument};
	fw->watch = watch;
	watch->list = tool_async_new(base, IPFW_LISTING, report_difference, watch);
	watch->tick = event_new(base, -1, EV_PERSIST, tick_cb, watch);
	if (watch->list == NULL || watch->tick == NULL || event_add(watch->tick, &second) == -1)
		return err_set(e, "ipfw can't be watched: no memory");
	return 0;
}
