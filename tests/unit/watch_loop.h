/* A backend's watch, second by second: the test says when one is over. */
#ifndef TESTS_UNIT_WATCH_LOOP_H
#define TESTS_UNIT_WATCH_LOOP_H

#include <event2/event.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/firewall/ports.h"

enum { COARSE = 20 }; /* ms: so far the loop's clock may be behind */

static struct event_base *base;
static struct event *tick; /* the watch's own */
static unsigned told;
static char what[256];

static void on_change(const char *words, void *argument)
{
	assert_ptr_equal(argument, &told);
	told++;
	snprintf(what, sizeof what, "%s", words);
}

static int find_tick(const struct event_base *from, const struct event *event, void *found)
{
	(void)from;
	if (event_get_fd(event) == -1)
		memcpy(found, &event, sizeof event);
	return 0;
}

/* It is due each second. From here on the test says when. */
static void watch(const struct firewall_port *port, struct firewall *watched)
{
	struct timeval now, due;
	struct err error = {""};

	(void)alarm(60); /* if something is waited for that does not come */
	base = event_base_new();
	if (port->watch(watched, base, on_change, &told, &error) == -1)
		fail_msg("%s", error.text);
	tick = NULL;
	event_base_foreach_event(base, find_tick, &tick);
	assert_non_null(tick);
	gettimeofday(&now, NULL);
	assert_true(event_pending(tick, EV_TIMEOUT, &due));
	timersub(&due, &now, &due);
	assert_between(due.tv_sec * 1000 + due.tv_usec / 1000, 100, 1000 + COARSE);
	assert_true((event_get_events(tick) & EV_PERSIST) != 0);
	event_del(tick);
	told = 0;
}

/* A second is over; what was begun may still run. */
static void begin_second(void)
{
	told = 0;
	what[0] = '\0';
	event_active(tick, EV_TIMEOUT, 0);
	event_base_loop(base, EVLOOP_NONBLOCK | EVLOOP_ONCE); /* and nothing that answers already */
	event_del(tick);
}

static bool something_runs(void)
{
	return event_base_get_num_events(base, EVENT_BASE_COUNT_ADDED) > 0;
}

/* Until something is given up, ms. */
static int find_wait(const struct event_base *from, const struct event *event, void *shortest)
{
	struct timeval now, due;
	int *least = shortest, left;

	(void)from;
	gettimeofday(&now, NULL);
	if (event_pending(event, EV_TIMEOUT, &due)) {
		timersub(&due, &now, &due);
		left = (int)(due.tv_sec * 1000 + due.tv_usec / 1000);
		*least = left < *least ? left : *least;
	}
	return 0;
}

static inline int shortest_wait(void)
{
	int shortest = 1000000;

	event_base_foreach_event(base, find_wait, &shortest);
	return shortest;
}

/* What the loop's owner does with children that have ended. */
static inline void reap(void)
{
	while (waitpid(-1, NULL, 0) > 0)
		;
}

static void hear_it_out(void)
{
	while (something_runs())
		event_base_loop(base, EVLOOP_ONCE);
}

static void second(void)
{
	begin_second();
	hear_it_out();
}

static void stop_watching(void)
{
	assert_false(something_runs());
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* no child is left either */
	event_base_free(base);
	(void)alarm(0);
}

#endif
