/* gate: what each event makes of its state. Pure: two complete tables, as docs/states.md prints them. */
#ifndef GATE_TRANSITION_H
#define GATE_TRANSITION_H

#include <stdbool.h>
#include <stdint.h>

#include "gate/state.h"

enum gate_effect {
	EFFECT_NONE,
	/* Policies. They are committed and read back; only then is the gate in the next state, and that is
	 * announced. The last one is for when no lock can be verified: routes are shut, forwarding is ended,
	 * links are set down, and the lock is tried again later. */
	EFFECT_LOCK,
	EFFECT_FLIP_DIALLING,
	EFFECT_FLIP_ASKING,
	EFFECT_FLIP_OPEN,
	EFFECT_FLIP_PAUSED,
	EFFECT_REMOVE_RULES,
	EFFECT_GO_UNPROTECTED,
	/* What depends on them. */
	EFFECT_FORGET_STATES,
	EFFECT_LAUNCH,    /* the tunnel's device, and openvpn */
	EFFECT_TERMINATE, /* asks openvpn to go, and kills it at a deadline */
	EFFECT_KILL,
	EFFECT_ASK,          /* starts the child that asks the resolver */
	EFFECT_WRITE_MARKER, /* root's off; the only effect that comes before its policy */
	GATE_EFFECTS
};

enum { GATE_CELL_EFFECTS = 3 };

struct gate_cell {
	bool known;
	uint8_t next;    /* enum gate_desired or gate_actual */
	const char *why; /* NULL unless the event is refused, or ignored: then its reason */
	uint8_t effects[GATE_CELL_EFFECTS];
};

const struct gate_cell *gate_desired_cell(enum gate_desired desired, enum gate_event event);
const struct gate_cell *gate_actual_cell(enum gate_actual actual, enum gate_event event);

/* NULL: the event is accepted. Else the reason: an event that either table refuses has no effect. */
const char *gate_refusal(struct gate_state state, enum gate_event event);

/* Is there to be a lock: neither off nor paused? */
bool gate_is_held(struct gate_state state);

/* May openvpn be dialled, now or once what is under way has ended? */
bool gate_may_dial(struct gate_state state);

/* Root's request that waits for openvpn's end; GATE_EVENTS: none. */
enum gate_event gate_awaited(struct gate_state state);

/* The event that follows if the effect fails; GATE_EVENTS: it can't fail. */
enum gate_event gate_failure(enum gate_effect effect);

#endif
