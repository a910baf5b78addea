/* Forwarding is the owner's on this platform. */
#include "os/route/forwarding.h"

int forwarding_begin(struct err *e)
{
	(void)e;
	return 0;
}

int forwarding_end(struct err *e)
{
	(void)e;
	return 0;
}
