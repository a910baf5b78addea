/* The sleep port's clocks on FreeBSD: the time of day and the time since boot. */
#include <time.h>

#include "os/sleep_gap.h"

static int64_t clock_ms(clockid_t clock)
{
	struct timespec now = {0};

	(void)clock_gettime(clock, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* No clock here is documented to count sleep by itself. On waking the kernel
 * sets the time of day anew, and the other goes on where it stood. A clock that
 * is set forward looks the same: a pause then ends too early, never too late. */
struct sleep_clocks sleep_clocks_now(void)
{
	return (struct sleep_clocks){.through = clock_ms(CLOCK_REALTIME), .awake = clock_ms(CLOCK_MONOTONIC)};
}
