/* Timers of libevent are armed as always, and how long the last one was to last is kept: a busy machine
 * changes what is left of it, not that. */
#ifndef TESTS_UNIT_TIMER_STANDIN_H
#define TESTS_UNIT_TIMER_STANDIN_H

#include <dlfcn.h>
#include <event2/event.h>

static long timer_ms; /* of the last one that was armed */

int event_add(struct event *event, const struct timeval *timeout)
{
	int (*real)(struct event *, const struct timeval *);

	*(void **)&real = dlsym(RTLD_NEXT, "event_add");
	if (timeout != NULL)
		timer_ms = timeout->tv_sec * 1000 + timeout->tv_usec / 1000;
	return real(event, timeout);
}

#endif
