/* The clock port, for every Unix. */
#include "os/host/clock.h"

int64_t clock_ms(clockid_t clock)
{
	struct timespec now = {0};

	(void)clock_gettime(clock, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t clock_steady_ms(void)
{
	return clock_ms(CLOCK_MONOTONIC);
}

int clock_left_ms(int64_t deadline)
{
	int64_t left = deadline - clock_steady_ms();

	return left > 1 ? (int)left : 1;
}

struct timeval clock_timeval(int64_t ms)
{
	return (struct timeval){.tv_sec = (time_t)(ms / 1000), .tv_usec = (suseconds_t)(ms % 1000 * 1000)};
}
