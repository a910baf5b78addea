/* The event loop, the same on every platform. */
#include "os/host/loop.h"

#include "os/host/clock.h"

struct event_base *loop_new(void (*fatal)(int code))
{
	struct event_config *config = event_config_new();
	struct event_base *base = NULL;

	event_set_fatal_callback(fatal);
	if (config != NULL && event_config_set_flag(config, EVENT_BASE_FLAG_IGNORE_ENV) == 0)
		base = event_base_new_with_config(config);
	if (config != NULL)
		event_config_free(config);
	return base;
}

void loop_arm(struct event_base *base, struct event **timer, event_callback_fn callback, void *argument,
	      int64_t ms)
{
	struct timeval delay = clock_timeval(ms);

	if (*timer == NULL)
		*timer = evtimer_new(base, callback, argument);
	if (*timer != NULL)
		evtimer_add(*timer, &delay);
}
