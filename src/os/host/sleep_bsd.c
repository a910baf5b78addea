/* The sleep port on macOS and the BSDs: two clocks, compared once a second. */
#include "os/host/sleep.h"

#include <event2/event.h>
#include <stdlib.h>

#include "os/host/sleep_gap.h"

struct sleep_watch {
	struct event *tick;
	struct sleep_clocks seen;
	sleep_woke_fn *woke;
	void *argument;
};

static void tick_cb(evutil_socket_t descriptor, short what, void *argument)
{
	struct sleep_watch *watch = argument;
	uint64_t slept = sleep_gap(&watch->seen, sleep_clocks_now());

	(void)descriptor;
	(void)what;
	if (slept != 0)
		watch->woke(slept, watch->argument);
}

struct sleep_watch *sleep_open(struct event_base *base, sleep_woke_fn *woke, void *argument, struct err *e)
{
	static const struct timeval second = {.tv_sec = 1};
	struct sleep_watch *watch = calloc(1, sizeof *watch);

	if (watch == NULL) {
		err_errno(e, "watching for sleep");
		return NULL;
	}
	*watch = (struct sleep_watch){.seen = sleep_clocks_now(), .woke = woke, .argument = argument};
	watch->tick = event_new(base, -1, EV_PERSIST, tick_cb, watch);
	if (watch->tick == NULL || event_add(watch->tick, &second) == -1) {
		err_set(e, "watching for sleep: no event");
		sleep_close(watch);
		return NULL;
	}
	return watch;
}

void sleep_close(struct sleep_watch *watch)
{
	if (watch == NULL)
		return;
	if (watch->tick != NULL)
		event_free(watch->tick);
	free(watch);
}
