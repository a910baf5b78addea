/* How often a line may be written that somebody else causes. Pure. */
#ifndef BASE_LIMIT_H
#define BASE_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

enum { LIMIT_BURST = 100, LIMIT_PER_SECOND = 20, LIMIT_TELL_MS = 10000 };

/* All zero is a fresh one. */
struct limit {
	uint64_t refilled, told; /* ms */
	uint32_t spent;          /* of LIMIT_BURST */
	uint32_t left_out;
};

/* May one more line be written at `now` (ms of a clock that never goes back)?
 * If so, *left_out is how many were not, 0 unless it is time to say it: once
 * in LIMIT_TELL_MS. NULL: nobody will say it. */
bool limit_take(struct limit *limit, uint64_t now, uint32_t *left_out);

#endif
