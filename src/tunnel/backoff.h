/* How long to wait before the next attempt. */
#ifndef TUNNEL_BACKOFF_H
#define TUNNEL_BACKOFF_H

#include <stdint.h>

enum {
	BACKOFF_FIRST = 500, /* ms after the first failure; then doubling */
	BACKOFF_CAP = 60000, /* never exceeded; reached after 63.5 s of attempts that fail at once, so not in
				the first minute */
	BACKOFF_SPREAD = 8,  /* chance changes a wait by at most 1/8 */
	BACKOFF_PACE = 100,  /* between two dials at least, whatever happens */
	BACKOFF_GOOD_RUN = 2000, /* a run of that length is followed by a try at once */
	BACKOFF_SHORT_RUNS = 3,  /* after connections that break at once the wait stays at this step */
	BACKOFF_LEAVE = 5000     /* the gate needs 1.5 s at most; then it is asked again */
};

/* ms to wait after that many failures in a row; 0 after none. `chance` is any number: it spreads
 * machines that lost the same server over an eighth of the wait, later below the cap and earlier
 * at it. 0 spreads nothing. */
uint32_t backoff_wait(uint32_t failures, uint32_t chance);

#endif
