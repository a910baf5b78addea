/* The route port where openvpn sets its routes itself. */
#include "os/route.h"

int route_assert(const struct route_wish *wish, struct err *e)
{
	(void)wish, (void)e;
	return 0;
}

int route_remove(struct err *e)
{
	(void)e;
	return 0;
}

int route_watch(struct event_base *base, route_foreign_fn *foreign, void *argument, struct err *e)
{
	(void)base, (void)foreign, (void)argument, (void)e;
	return 0;
}
