/* The sleep port's clocks on macOS: continuous and absolute time. */
#include <mach/mach_time.h>

#include "os/host/sleep_gap.h"

enum { NANOSECONDS = 1000000 };

/* In parts, so that no uptime overflows. */
static int64_t milliseconds(uint64_t ticks)
{
	mach_timebase_info_data_t base = {0};

	if (mach_timebase_info(&base) != 0 || base.denom == 0)
		return 0;
	return (int64_t)(ticks / base.denom * base.numer / NANOSECONDS +
			 ticks % base.denom * base.numer / base.denom / NANOSECONDS);
}

struct sleep_clocks sleep_clocks_now(void)
{
	return (struct sleep_clocks){.through = milliseconds(mach_continuous_time()),
				     .awake = milliseconds(mach_absolute_time())};
}
