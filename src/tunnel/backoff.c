/* How long to wait before the next attempt. */
#include "tunnel/backoff.h"

uint32_t backoff_wait(uint32_t failures)
{
	uint32_t wait = BACKOFF_FIRST;

	if (failures == 0)
		return 0;
	while (--failures > 0 && wait < BACKOFF_CAP)
		wait *= 2;
	return wait < BACKOFF_CAP ? wait : BACKOFF_CAP;
}
