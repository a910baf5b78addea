/* The sleep port of a platform that has none yet: nothing is reported. */
#include "os/host/sleep.h"

#include <stdlib.h>

struct sleep_watch {
	char unused;
};

struct sleep_watch *sleep_open(struct event_base *base, sleep_woke_fn *woke, void *argument, struct err *e)
{
	struct sleep_watch *watch = calloc(1, sizeof *watch);

	(void)base;
	(void)woke;
	(void)argument;
	if (watch == NULL)
		err_errno(e, "watching for sleep");
	return watch;
}

void sleep_close(struct sleep_watch *watch)
{
	free(watch);
}
