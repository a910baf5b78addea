/* The sleep port's clocks on FreeBSD: the time of day and the time since boot. */

#include "os/host/clock.h"
#include "os/host/sleep_gap.h"

/* No clock here is documented to count sleep by itself. On waking the kernel
 * sets the time of day anew, and the other goes on where it stood. A clock that
 * is set forward looks the same: a pause then ends too early, never too late. */
struct sleep_clocks sleep_clocks_now(void)
{
	return (struct sleep_clocks){.through = clock_ms(CLOCK_REALTIME), .awake = clock_steady_ms()};
}
