/* A limit on the log lines that somebody else causes. Pure. */
#ifndef BASE_LIMIT_H
#define BASE_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

enum { LIMIT_BURST = 100, LIMIT_PER_SECOND = 20, LIMIT_REPORT_MS = 10000 };

/* Zeroed, it is fresh. */
struct limit {
	uint64_t refilled, reported; /* ms */
	uint32_t spent;              /* of LIMIT_BURST */
	uint32_t left_out;
};

/* May one more line be written at `now` (ms of a clock that never goes back)? If so, *left_out is the number
 * of lines that were left out, if it is time to report that (once in LIMIT_REPORT_MS), else 0. NULL: the
 * caller does not report it. */
bool limit_allows(struct limit *limit, uint64_t now, uint32_t *left_out);

#endif
