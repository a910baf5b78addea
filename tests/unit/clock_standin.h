/* A clock that goes on only when the test says so. */
#ifndef TESTS_UNIT_CLOCK_STANDIN_H
#define TESTS_UNIT_CLOCK_STANDIN_H

#include "os/host/clock.h"

static int64_t the_time = 5000000; /* ms */

int64_t clock_ms(clockid_t clock)
{
	(void)clock;
	return the_time;
}

int64_t clock_steady_ms(void)
{
	return the_time;
}

int clock_left_ms(int64_t deadline)
{
	return deadline - the_time > 1 ? (int)(deadline - the_time) : 1;
}

struct timeval clock_timeval(int64_t ms)
{
	return (struct timeval){.tv_sec = (time_t)(ms / 1000), .tv_usec = (suseconds_t)(ms % 1000 * 1000)};
}

#endif
