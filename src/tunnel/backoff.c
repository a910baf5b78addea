/* How long to wait before the next attempt. */
#include "tunnel/backoff.h"

uint32_t backoff_wait(uint32_t failures, uint32_t chance)
{
	uint32_t wait = BACKOFF_FIRST, off;

	if (failures == 0)
		return 0;
	while (--failures > 0 && wait < BACKOFF_CAP)
		wait *= 2;
	if (wait > BACKOFF_CAP)
		wait = BACKOFF_CAP;
	off = (uint32_t)((uint64_t)(wait / BACKOFF_SPREAD + 1) * chance >> 32);
	return wait < BACKOFF_CAP ? wait + off : wait - off;
}
