/* The clock port: milliseconds, and what is left of a deadline. */
#ifndef OS_HOST_CLOCK_H
#define OS_HOST_CLOCK_H

#include <stdint.h>
#include <sys/time.h>
#include <time.h>

/* Milliseconds of `clock` (clock_gettime(2)); 0 where there is no such clock. */
int64_t clock_ms(clockid_t clock);

/* Milliseconds that go on evenly, whatever is done to the time of day. */
int64_t clock_steady_ms(void);

/* What is left until `deadline` (of clock_steady_ms), for a call that takes milliseconds: never
 * less than 1, so that a late one is still made, and ends at once. */
int clock_left_ms(int64_t deadline);

struct timeval clock_timeval(int64_t ms);

#endif
