/* Did the machine sleep? By two clocks of which one stands still meanwhile. */
#include "os/host/sleep_gap.h"

enum { SLEPT_AT_LEAST_MS = 1000 };

uint64_t sleep_gap(struct sleep_clocks *before, struct sleep_clocks now)
{
	/* Unsigned, so that no value of a clock overflows. */
	uint64_t ahead = ((uint64_t)now.through - (uint64_t)before->through) -
			 ((uint64_t)now.awake - (uint64_t)before->awake);

	*before = now;
	return ahead >= SLEPT_AT_LEAST_MS && ahead <= INT64_MAX ? ahead : 0;
}
