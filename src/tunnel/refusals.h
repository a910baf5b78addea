/* What follows when the server refuses the log-in: the other servers, then waits of minutes, then nothing
 * more. Pure. */
#ifndef TUNNEL_REFUSALS_H
#define TUNNEL_REFUSALS_H

#include <stdbool.h>
#include <stdint.h>

enum {
	REFUSALS_WAITS = 3,                /* 1, 5 and 15 minutes, each followed by one round */
	REFUSALS_ROUND = 8,                /* log-ins in one round at most, however many servers there are */
	REFUSALS_HOLD_MAX = 15 * 60 * 1000 /* ms; a server can't ask for a longer back-off */
};

struct refusals {
	uint32_t total, round; /* since the last success, or since the user asked; in this round */
	uint32_t waits;        /* how many of the waits are over or have begun */
};

/* Is the one that has just come the last? `left`: servers that the round still has. */
bool refusals_is_last(const struct refusals *refusals, uint32_t left);
void refusals_count(struct refusals *refusals);

/* Is the round over as far as log-ins are concerned? */
bool refusals_are_enough(const struct refusals *refusals, uint32_t left);
/* ms that the next wait lasts; 0: nobody has refused in this round. */
uint32_t refusals_wait(const struct refusals *refusals);
/* A round is over: the next one begins, after that wait. */
void refusals_end_round(struct refusals *refusals);

#endif
