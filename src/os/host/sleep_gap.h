/* Did the machine sleep? By two clocks of which one stands still meanwhile. Pure. */
#ifndef OS_HOST_SLEEP_GAP_H
#define OS_HOST_SLEEP_GAP_H

#include <stdint.h>

struct sleep_clocks {
	int64_t through; /* ms; goes on while the machine sleeps */
	int64_t awake;   /* ms; stands still */
};

/* The clocks now: sleep_clocks_macos.c, sleep_clocks_freebsd.c. */
struct sleep_clocks sleep_clocks_now(void);

/* By how many ms has the first clock run ahead of the second since *before? 0 if by less than a second.
 * *before becomes `now`, so that slow drift never adds up. */
uint64_t sleep_gap(struct sleep_clocks *before, struct sleep_clocks now);

#endif
