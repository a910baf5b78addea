/* A limit on the log lines that somebody else causes. */
#include "base/limit.h"

#include <stddef.h>

bool limit_allows(struct limit *limit, uint64_t now, uint32_t *left_out)
{
	uint64_t fresh = now > limit->refilled ? (now - limit->refilled) * LIMIT_PER_SECOND / 1000 : 0;

	if (left_out != NULL)
		*left_out = 0;
	if (fresh > 0) {
		limit->spent = fresh > limit->spent ? 0 : limit->spent - (uint32_t)fresh;
		limit->refilled = now;
	}
	if (limit->spent == LIMIT_BURST) {
		limit->left_out += limit->left_out < UINT32_MAX;
		return false;
	}
	limit->spent++;
	if (left_out != NULL && limit->left_out > 0 &&
	    (limit->reported == 0 || now - limit->reported >= LIMIT_REPORT_MS)) {
		*left_out = limit->left_out;
		limit->left_out = 0;
		limit->reported = now;
	}
	return true;
}
