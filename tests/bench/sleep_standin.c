/* The sleep port for measuring: SIGUSR2 says that the machine woke, half a minute after it fell asleep. */
#include "os/host/sleep.h"

#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>

enum { SLEPT_MS = 30000 };

struct sleep_watch {
	struct event *signalled;
	sleep_woke_fn *woke;
	void *argument;
};

static void signal_cb(evutil_socket_t number, short what, void *argument)
{
	struct sleep_watch *watch = argument;

	(void)number;
	(void)what;
	watch->woke(SLEPT_MS, watch->argument);
}

struct sleep_watch *sleep_open(struct event_base *base, sleep_woke_fn *woke, void *argument, struct err *e)
{
	struct sleep_watch *watch = calloc(1, sizeof *watch);

	if (watch != NULL) {
		*watch = (struct sleep_watch){.woke = woke, .argument = argument};
		watch->signalled = evsignal_new(base, SIGUSR2, signal_cb, watch);
		if (watch->signalled != NULL && event_add(watch->signalled, NULL) == 0)
			return watch;
	}
	sleep_close(watch);
	err_set(e, "watching for SIGUSR2: no event");
	return NULL;
}

void sleep_close(struct sleep_watch *watch)
{
	if (watch != NULL && watch->signalled != NULL)
		event_free(watch->signalled);
	free(watch);
}
