/* gate: `open` is proven before it is said, and stays proven: what others change is set again, or the gate
 * shuts and says why. */
#ifndef GATE_PROOF_H
#define GATE_PROOF_H

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/limit.h"

struct gate;

/* Zeroed, nothing has happened. */
struct proof {
	struct limit looks;  /* a look costs something, and anybody with root's rights can cause one */
	struct event *later; /* a look that was put off */
	struct event *quiet; /* runs after a fight: nothing is dialled */
	char who[128];       /* whose hand it was, "" not known; since the last look */
	char notice[240];    /* for status: what goes on, "" nothing */
	int64_t window;      /* in which `in_window` repairs are counted: its beginning, in steady ms */
	uint32_t in_window, repairs; /* repairs: in all */
	uint32_t fights;             /* without a minute of peace between them */
	bool no_way;                 /* openvpn has no route to the server */
	bool blocked;                /* the last proof failed for something that is not ours to repair, */
	bool four, six;              /* for a tunnel of these families: nothing is dialled while it stands */
};

/* Before the flip: is it true that this tunnel carries? 0, or -1 and `e`. */
int proof_open(struct gate *gate, struct err *e);

/* Before the dial: may it be worth a log-in? 0, or -1 and `e`: what would keep the tunnel from opening. */
int proof_dial(struct gate *gate, struct err *e);

/* Links, addresses, routes or rules may have changed, by the hand of `who` ("" not known): proves again,
 * repairs, or shuts. Now, or within 50 ms. */
void proof_look(struct gate *gate, const char *who);

#endif
