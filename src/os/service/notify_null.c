/* The notify port where no service manager listens. */
#include "os/service/notify.h"

void notify_begin(struct event_base *base)
{
	(void)base;
}

void notify_state(bool protecting, const char *state, const char *why)
{
	(void)protecting, (void)state, (void)why;
}
