/* The sleep port on Linux: a timer that the kernel cancels when the clock jumps. */
#include "os/host/clock.h"
#include "os/host/sleep.h"

#include <errno.h>
#include <event2/event.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <unistd.h>

/* Far enough never to fire; waking and setting the clock both cancel it. */
enum { FAR_FUTURE_SECONDS = 0x7fffffff, SLEPT_AT_LEAST_MS = 100 };

struct sleep_watch {
	int timer;
	struct event *cancelled;
	int64_t slept; /* ms of sleep since boot, as last seen */
	sleep_woke_fn *woke;
	void *argument;
};

/* CLOCK_BOOTTIME goes on in sleep, CLOCK_MONOTONIC does not; setting the clock
 * moves neither. */
static int64_t slept_since_boot(void)
{
	return clock_ms(CLOCK_BOOTTIME) - clock_steady_ms();
}

static int arm(int timer)
{
	const struct itimerspec far_future = {.it_value.tv_sec = FAR_FUTURE_SECONDS};

	return timerfd_settime(timer, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &far_future, NULL);
}

static void cancelled_cb(evutil_socket_t descriptor, short what, void *argument)
{
	struct sleep_watch *watch = argument;
	int64_t slept = slept_since_boot();
	uint64_t count;

	(void)descriptor;
	(void)what;
	/* ECANCELED is the news itself; a real expiry (the clock set past 2038) is none. */
	if (read(watch->timer, &count, sizeof count) == -1 && errno == EAGAIN)
		return;
	if (arm(watch->timer) == -1 || clock_ms(CLOCK_REALTIME) / 1000 >= FAR_FUTURE_SECONDS)
		(void)event_del(watch->cancelled); /* never a busy loop: sleep is then reported by nobody */
	if (slept - watch->slept < SLEPT_AT_LEAST_MS)
		return;
	slept -= watch->slept;
	watch->slept += slept;
	watch->woke((uint64_t)slept, watch->argument);
}

struct sleep_watch *sleep_open(struct event_base *base, sleep_woke_fn *woke, void *argument, struct err *e)
{
	struct sleep_watch *watch = calloc(1, sizeof *watch);

	if (watch == NULL) {
		err_errno(e, "watching for sleep");
		return NULL;
	}
	*watch = (struct sleep_watch){
	    .timer = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK),
	    .slept = slept_since_boot(),
	    .woke = woke,
	    .argument = argument,
	};
	if (watch->timer == -1 || arm(watch->timer) == -1) {
		err_errno(e, "watching for sleep");
		goto fail;
	}
	watch->cancelled = event_new(base, watch->timer, EV_READ | EV_PERSIST, cancelled_cb, watch);
	if (watch->cancelled == NULL || event_add(watch->cancelled, NULL) == -1) {
		err_set(e, "watching for sleep: no event");
		goto fail;
	}
	return watch;
fail:
	sleep_close(watch);
	return NULL;
}

void sleep_close(struct sleep_watch *watch)
{
	if (watch == NULL)
		return;
	if (watch->cancelled != NULL)
		event_free(watch->cancelled);
	if (watch->timer != -1)
		close(watch->timer);
	free(watch);
}
