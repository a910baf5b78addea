/* The event loop, the same on every platform. */
#include "os/host/loop.h"

#include <event2/event.h>

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
