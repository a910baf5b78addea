/* What the tunnel does next: state x event -> state + effects. Pure: time and
 * chance come in as values, effects go out as values. */
#ifndef TUNNEL_TUNNEL_H
#define TUNNEL_TUNNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tunnel/effects.h"
#include "tunnel/limits.h"
#include "tunnel/refusals.h"
#include "tunnel/words.h"

enum { TUNNEL_CELL_EFFECTS = 4 };

struct tunnel_cell {
	bool known;      /* false: a hole in the table; tests find it */
	uint8_t next;    /* enum tunnel_state */
	const char *why; /* NULL unless the event is ignored: then its reason */
	uint8_t effects[TUNNEL_CELL_EFFECTS];
};

/* Times in ms of a clock that never goes back. Zeroed is a tunnel that is down. */
struct tunnel {
	enum tunnel_state state;
	uint64_t deadline;           /* when TUNNEL_TIMER is due; 0 none */
	uint64_t dialled_at;         /* the latest attempt */
	uint64_t connected_at;       /* of the latest run */
	uint64_t not_before;         /* no wait ends earlier, whatever the network does; 0 none */
	uint64_t run;                /* how long that run lasted */
	struct tunnel_limits limits; /* of this attempt; the caller sets them */
	uint32_t left;               /* servers that this round still has; the caller sets it, too */
	uint32_t failures;           /* rounds in a row */
	uint32_t silent;             /* those of them in which openvpn was started */
	uint32_t attempts;           /* since the last good run, or since the user asked */
	struct refusals refusals;    /* of the log-in */
	uint32_t hold;               /* ms, the back-off that the server asked for in this attempt */
	bool stay;                   /* and it wants to be asked again, not another one */
	bool started, answered;      /* openvpn; the server: in this attempt */
	bool ran, changed, same_remote;
};

/* The cell for a state and an event; the whole table is const. */
const struct tunnel_cell *tunnel_cell(enum tunnel_state state, enum tunnel_event event);

/* One step. `chance` is any number: it spreads a back-off; 0 spreads nothing. Returns the cell. */
const struct tunnel_cell *tunnel_step(struct tunnel *tunnel, enum tunnel_event event, uint64_t now,
				      uint32_t chance);

/* A driver that has just started takes over a stop, or a wait until then, of the one before. */
void tunnel_take_over(struct tunnel *tunnel, bool stopped, uint64_t until);

/* docs/states.md. Returns its length; as much as fits is written. */
size_t tunnel_print_states(char *to, size_t size);

#endif
