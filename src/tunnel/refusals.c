/* What follows when the server refuses the log-in. */
#include "tunnel/refusals.h"

static const uint32_t minutes[REFUSALS_WAITS] = {1, 5, 15};

bool refusals_are_enough(const struct refusals *refusals, uint32_t left)
{
	return left == 0 || refusals->round >= REFUSALS_ROUND;
}

bool refusals_is_last(const struct refusals *refusals, uint32_t left)
{
	struct refusals with = *refusals;

	refusals_count(&with);
	/* After a round of which the last server was silent there has been one wait more: that is all. */
	return with.waits > REFUSALS_WAITS ||
	       (with.waits == REFUSALS_WAITS && refusals_are_enough(&with, left));
}

void refusals_count(struct refusals *refusals)
{
	refusals->total++;
	refusals->round++;
}

uint32_t refusals_wait(const struct refusals *refusals)
{
	uint32_t next = refusals->waits < REFUSALS_WAITS ? refusals->waits : REFUSALS_WAITS - 1;

	return refusals->round == 0 ? 0 : minutes[next] * 60 * 1000;
}

void refusals_end_round(struct refusals *refusals)
{
	if (refusals->round > 0 && refusals->waits <= REFUSALS_WAITS)
		refusals->waits++;
	refusals->round = 0;
}
