/* No watch for a bypass: none is ever found. */
#include "os/firewall/bypass.h"

struct bypass_watch {
	char nothing;
};

struct bypass_watch *bypass_open(struct event_base *base, bypass_cb *cb, void *argument, struct err *e)
{
	static struct bypass_watch none;

	(void)base, (void)cb, (void)argument, (void)e;
	return &none;
}

int bypass_find(struct err *e)
{
	(void)e;
	return 0;
}
