/* Which server has its turn: a round tries every address of every remote once. Pure. */
#ifndef TUNNEL_ORDER_H
#define TUNNEL_ORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tunnel/words.h"

struct order_entry {
	uint32_t place;  /* equal ones: as they stand */
	uint32_t remote; /* equal for the addresses of one remote */
	uint8_t family;  /* enum net_family */
	bool late;       /* it has its turn behind all others: it failed lately, or NAT64 leads to it */
	bool tried;      /* in this round */
};

/* Zeroed but for `entries` and `count`, which stay the caller's. */
struct order {
	struct order_entry *entries;
	size_t count, at;
	bool begun;            /* `at` is the one picked last */
	bool no_way4, no_way6; /* no route leads to that family: it is passed over */
	uint8_t silent;        /* the family of the last attempt, if it got no answer; else NET_NONE */
};

/* A random place for the remote of that number; the addresses of one remote stay together. */
uint32_t order_random_place(uint64_t seed, uint32_t remote);

/* Picks the next: late ones last, then the family that was not silent just now, then by place. After the last
 * one of a round another round begins. False: there is none to which a way leads. */
bool order_next(struct order *order);
/* Picks the one that was picked last, as the first of a new round; the next one if there was none, or no way
 * leads to it. */
bool order_again(struct order *order);

/* How many this round has left. */
size_t order_left(const struct order *order);

/* Has the one that was picked last given an answer? */
void order_answered(struct order *order, bool answered);
/* Does this event, in this state of an attempt, say that the server can't be had just now? What a person, the
 * gate or the log-in is the reason of does not. */
bool order_is_failure(enum tunnel_state state, enum tunnel_event event);
/* Its remote needs no other turn in this round, by any address. */
void order_pass_remote(struct order *order);

#endif
