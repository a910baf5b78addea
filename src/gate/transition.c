/* transition: all that the gate does, for every state and every event, without a default row. */
#include "gate/transition.h"

#include <stddef.h>

/* clang-format off */
#define GO(state, ...) {.known = true, .next = ACTUAL_##state, .effects = {__VA_ARGS__}}
#define STAY(state) {.known = true, .next = ACTUAL_##state}
#define NO(reason) {.known = true, .why = (reason)}

#define LOCK EFFECT_LOCK
#define FLIP_DIALLING EFFECT_FLIP_DIALLING
#define FLIP_ASKING EFFECT_FLIP_ASKING
#define FLIP_OPEN EFFECT_FLIP_OPEN
#define FLIP_PAUSED EFFECT_FLIP_PAUSED
#define REMOVE EFFECT_REMOVE_RULES
#define MARK EFFECT_WRITE_MARKER
#define FORGET EFFECT_FORGET_STATES
#define LAUNCH EFFECT_LAUNCH
#define TERM EFFECT_TERMINATE
#define KILL EFFECT_KILL
#define ASK EFFECT_ASK
#define BRACE EFFECT_GO_UNPROTECTED

#define IS_UNPROTECTED "the gate is unprotected"
#define IS_LOCKED "the gate is locked"
#define IS_PAUSED "the gate is paused"
#define IS_OFF "the gate is off"
#define NO_PAUSE_NOW "the gate is unprotected; there is nothing to pause"
#define NO_PAUSE_OFF "the gate is off; there is nothing to pause"
#define PAUSED_NOW "the gate is paused; instead: portcullis up"
#define OFF_NOW "the gate is off; instead: portcullis up"
#define IS_OPEN "the gate is open"
#define UNDER_WAY "an attempt is under way"
#define NO_OPENVPN "our openvpn is not running"
#define KILLED "openvpn has already been killed"
#define LEAVES "openvpn is already leaving"
#define NO_PAUSE "there is no pause"
#define STANDS "no attempt is under way"
#define HELD "the policy is already verified"
#define ASKS "the resolver is being asked"
#define NOBODY_ASKS "no resolver is being asked"
#define NOT_HERE "no openvpn is started in this state"

/* What stands, in the order of enum gate_actual:
 *	unprotected, locked, ending, dialling,
 *	open, leaving, paused, off,
 *	asking */
static const struct gate_cell actual_table[GATE_EVENTS][GATE_ACTUAL] = {
	[EVENT_UP] = {
		STAY(UNPROTECTED), STAY(LOCKED), STAY(ENDING), STAY(DIALLING),
		STAY(OPEN), STAY(LEAVING), GO(LOCKED, LOCK, FORGET), GO(LOCKED, LOCK),
		STAY(ASKING)},
	[EVENT_DOWN] = {
		STAY(UNPROTECTED), STAY(LOCKED), STAY(ENDING), GO(LEAVING, TERM),
		GO(LEAVING, FLIP_DIALLING, TERM), STAY(LEAVING), GO(LOCKED, LOCK, FORGET), STAY(OFF),
		GO(LOCKED, LOCK)},
	[EVENT_RECONNECT] = {
		STAY(UNPROTECTED), STAY(LOCKED), STAY(ENDING), GO(LEAVING, TERM),
		GO(LEAVING, FLIP_DIALLING, TERM), STAY(LEAVING), NO(PAUSED_NOW), NO(OFF_NOW),
		STAY(ASKING)},
	[EVENT_PAUSE] = {
		NO(NO_PAUSE_NOW), GO(PAUSED, FLIP_PAUSED), STAY(ENDING), GO(LEAVING, TERM),
		GO(LEAVING, FLIP_DIALLING, TERM), STAY(LEAVING), GO(PAUSED, FLIP_PAUSED), NO(NO_PAUSE_OFF),
		GO(LOCKED, LOCK)},
	[EVENT_RESUME] = {
		STAY(UNPROTECTED), STAY(LOCKED), STAY(ENDING), STAY(DIALLING),
		STAY(OPEN), STAY(LEAVING), GO(LOCKED, LOCK, FORGET), NO(IS_OFF),
		STAY(ASKING)},
	[EVENT_OFF] = {
		GO(OFF, MARK, REMOVE, KILL), GO(OFF, MARK, REMOVE), STAY(ENDING), GO(LEAVING, TERM),
		GO(LEAVING, FLIP_DIALLING, TERM), STAY(LEAVING), GO(OFF, MARK, REMOVE), GO(OFF, MARK, REMOVE),
		GO(LOCKED, LOCK)},
	[EVENT_MARKER] = {
		GO(OFF, REMOVE, KILL), GO(OFF, REMOVE), GO(OFF, REMOVE, KILL), GO(OFF, REMOVE, KILL),
		GO(OFF, REMOVE, KILL), GO(OFF, REMOVE, KILL), GO(OFF, REMOVE), NO(IS_OFF),
		GO(OFF, REMOVE)},
	[EVENT_STOP] = {
		STAY(UNPROTECTED), STAY(LOCKED), GO(ENDING, KILL), GO(ENDING, LOCK, KILL),
		GO(ENDING, LOCK, KILL), GO(ENDING, LOCK, KILL), GO(LOCKED, LOCK, FORGET), STAY(OFF),
		GO(LOCKED, LOCK)},
	[EVENT_DIAL] = {
		NO(IS_UNPROTECTED), GO(DIALLING, FLIP_DIALLING, LAUNCH), NO(UNDER_WAY), NO(UNDER_WAY),
		NO(UNDER_WAY), NO(UNDER_WAY), NO(IS_PAUSED), NO(IS_OFF),
		NO(ASKS)},
	[EVENT_OPEN] = {
		NO(IS_UNPROTECTED), NO(IS_LOCKED), NO(IS_LOCKED), GO(OPEN, FLIP_OPEN),
		NO(IS_OPEN), NO(NO_OPENVPN), NO(IS_PAUSED), NO(IS_OFF),
		NO(NO_OPENVPN)},
	[EVENT_LEAVE] = {
		NO(KILLED), NO(NO_OPENVPN), NO(LEAVES), GO(LEAVING, TERM),
		GO(LEAVING, FLIP_DIALLING, TERM), NO(LEAVES), NO(NO_OPENVPN), NO(KILLED),
		NO(NO_OPENVPN)},
	[EVENT_ASK] = {
		NO(IS_UNPROTECTED), GO(ASKING, FLIP_ASKING, ASK), NO(UNDER_WAY), NO(UNDER_WAY),
		GO(OPEN, ASK), NO(UNDER_WAY), NO(IS_PAUSED), NO(IS_OFF),
		NO(ASKS)},
	[EVENT_ASKED] = {
		NO(NOBODY_ASKS), NO(NOBODY_ASKS), NO(NOBODY_ASKS), NO(NOBODY_ASKS),
		STAY(OPEN), NO(NOBODY_ASKS), NO(IS_PAUSED), NO(IS_OFF),
		GO(LOCKED, LOCK)},
	[EVENT_KILL] = {
		NO(KILLED), NO(NO_OPENVPN), GO(ENDING, KILL), GO(ENDING, LOCK, KILL),
		GO(ENDING, LOCK, KILL), GO(ENDING, LOCK, KILL), NO(NO_OPENVPN), NO(KILLED),
		GO(LOCKED, LOCK)},
	[EVENT_REAPED] = {
		STAY(UNPROTECTED), NO(STANDS), STAY(LOCKED), GO(LOCKED, LOCK),
		GO(LOCKED, LOCK), GO(LOCKED, LOCK), NO(NO_OPENVPN), STAY(OFF),
		NO(STANDS)},
	[EVENT_DISTURBED] = {
		GO(LOCKED, LOCK), GO(LOCKED, LOCK), GO(ENDING, LOCK), GO(ENDING, LOCK, TERM),
		GO(ENDING, LOCK, TERM), GO(ENDING, LOCK), NO(IS_PAUSED), NO(IS_OFF),
		GO(LOCKED, LOCK)},
	[EVENT_PAUSE_OVER] = {
		NO(NO_PAUSE), NO(NO_PAUSE), NO(NO_PAUSE), NO(NO_PAUSE),
		NO(NO_PAUSE), NO(NO_PAUSE), GO(LOCKED, LOCK, FORGET), NO(NO_PAUSE),
		NO(NO_PAUSE)},
	[EVENT_RETRY] = {
		GO(LOCKED, LOCK), GO(LOCKED, LOCK), GO(ENDING, LOCK), NO(HELD),
		NO(HELD), NO(HELD), NO(IS_PAUSED), NO(IS_OFF),
		NO(HELD)},
	[EVENT_NO_START] = {
		NO(NOT_HERE), NO(NOT_HERE), NO(NOT_HERE), GO(LOCKED, LOCK),
		NO(NOT_HERE), NO(NOT_HERE), NO(NOT_HERE), NO(NOT_HERE),
		NO(NOT_HERE)},
	[EVENT_FLIP_FAILED] = {
		GO(LOCKED, LOCK), GO(LOCKED, LOCK), GO(ENDING, LOCK), GO(ENDING, LOCK, TERM),
		GO(ENDING, LOCK, TERM), GO(ENDING, LOCK), GO(LOCKED, LOCK, FORGET), GO(LOCKED, LOCK),
		GO(LOCKED, LOCK)},
	[EVENT_COMMAND_FAILED] = {
		GO(LOCKED, LOCK), GO(LOCKED, LOCK), GO(ENDING, LOCK), GO(ENDING, LOCK, TERM),
		GO(ENDING, LOCK, TERM), GO(ENDING, LOCK), GO(LOCKED, LOCK, FORGET), GO(LOCKED, LOCK),
		GO(LOCKED, LOCK)},
	[EVENT_NO_LOCK] = {
		GO(UNPROTECTED, BRACE, KILL), GO(UNPROTECTED, BRACE, KILL), GO(UNPROTECTED, BRACE, KILL),
		GO(UNPROTECTED, BRACE, KILL), GO(UNPROTECTED, BRACE, KILL), GO(UNPROTECTED, BRACE, KILL),
		GO(UNPROTECTED, BRACE, KILL), GO(UNPROTECTED, BRACE, KILL),
		GO(UNPROTECTED, BRACE, KILL)},
};

#define TO(desired) {.known = true, .next = DESIRED_##desired}
#define AS_IT_IS {TO(DOWN), TO(UP), TO(PAUSE_DOWN), TO(PAUSE_UP), TO(OFF_DOWN), TO(OFF_UP), TO(STOP)}
#define NOT_UP "the tunnel is not wanted; instead: portcullis up"
#define NO_TUNNEL "no tunnel is wanted"
#define NOT_PAUSED "the gate is not paused"
#define GOES_OFF "the gate is about to be off; there is nothing to pause"
#define STOPS "the daemon is stopping"

/* What root wants, in the order of enum gate_desired:
 *	down, up, pause-down, pause-up,
 *	off-down, off-up, stop */
static const struct gate_cell desired_table[GATE_EVENTS][GATE_DESIRED] = {
	[EVENT_UP] = {TO(UP), TO(UP), TO(UP), TO(UP), TO(UP), TO(UP), NO(STOPS)},
	[EVENT_DOWN] = {TO(DOWN), TO(DOWN), TO(DOWN), TO(DOWN), TO(DOWN), TO(DOWN), NO(STOPS)},
	[EVENT_RECONNECT] = {NO(NOT_UP), TO(UP), NO(NOT_UP), TO(UP), NO(NOT_UP), TO(UP), NO(STOPS)},
	[EVENT_PAUSE] = {
		TO(PAUSE_DOWN), TO(PAUSE_UP), TO(PAUSE_DOWN), TO(PAUSE_UP),
		NO(GOES_OFF), NO(GOES_OFF), NO(STOPS)},
	[EVENT_RESUME] = {
		NO(NOT_PAUSED), NO(NOT_PAUSED), TO(DOWN), TO(UP),
		NO(NOT_PAUSED), NO(NOT_PAUSED), NO(STOPS)},
	[EVENT_OFF] = {TO(OFF_DOWN), TO(OFF_UP), TO(OFF_DOWN), TO(OFF_UP), TO(OFF_DOWN), TO(OFF_UP), NO(STOPS)},
	[EVENT_MARKER] = {TO(OFF_DOWN), TO(OFF_UP), TO(OFF_DOWN), TO(OFF_UP), TO(OFF_DOWN), TO(OFF_UP), TO(STOP)},
	[EVENT_STOP] = {TO(STOP), TO(STOP), TO(STOP), TO(STOP), TO(OFF_DOWN), TO(OFF_UP), TO(STOP)},
	[EVENT_DIAL] = {
		NO(NO_TUNNEL), TO(UP), NO(NO_TUNNEL), NO(NO_TUNNEL),
		NO(NO_TUNNEL), NO(NO_TUNNEL), NO(STOPS)},
	[EVENT_ASK] = {
		NO(NO_TUNNEL), TO(UP), NO(NO_TUNNEL), NO(NO_TUNNEL),
		NO(NO_TUNNEL), NO(NO_TUNNEL), NO(STOPS)},
	[EVENT_ASKED] = AS_IT_IS,
	[EVENT_OPEN] = AS_IT_IS,
	[EVENT_LEAVE] = AS_IT_IS,
	[EVENT_KILL] = AS_IT_IS,
	[EVENT_REAPED] = AS_IT_IS,
	[EVENT_DISTURBED] = AS_IT_IS,
	[EVENT_PAUSE_OVER] = {TO(DOWN), TO(UP), TO(DOWN), TO(UP), TO(OFF_DOWN), TO(OFF_UP), TO(STOP)},
	[EVENT_RETRY] = AS_IT_IS,
	[EVENT_NO_START] = AS_IT_IS,
	[EVENT_FLIP_FAILED] = AS_IT_IS,
	[EVENT_COMMAND_FAILED] = {TO(DOWN), TO(UP), TO(DOWN), TO(UP), TO(DOWN), TO(UP), TO(STOP)},
	[EVENT_NO_LOCK] = {TO(DOWN), TO(UP), TO(DOWN), TO(UP), TO(OFF_DOWN), TO(OFF_UP), TO(STOP)},
};
/* clang-format on */

const struct gate_cell *gate_desired_cell(enum gate_desired desired, enum gate_event event)
{
	return &desired_table[event][desired];
}

const struct gate_cell *gate_actual_cell(enum gate_actual actual, enum gate_event event)
{
	return &actual_table[event][actual];
}

const char *gate_refusal(struct gate_state state, enum gate_event event)
{
	const char *why = gate_actual_cell(state.actual, event)->why;

	return why != NULL ? why : gate_desired_cell(state.desired, event)->why;
}

bool gate_is_held(struct gate_state state)
{
	return state.actual != ACTUAL_OFF && state.actual != ACTUAL_PAUSED;
}

bool gate_may_dial(struct gate_state state)
{
	return gate_desired_cell(state.desired, EVENT_DIAL)->why == NULL && gate_is_held(state) &&
	       state.actual != ACTUAL_UNPROTECTED;
}

enum gate_event gate_awaited(struct gate_state state)
{
	bool pause = state.desired == DESIRED_PAUSE_DOWN || state.desired == DESIRED_PAUSE_UP;
	bool off = state.desired == DESIRED_OFF_DOWN || state.desired == DESIRED_OFF_UP;

	if (pause && state.actual == ACTUAL_LOCKED)
		return EVENT_PAUSE;
	return off && state.actual != ACTUAL_OFF ? EVENT_OFF : GATE_EVENTS;
}

enum gate_event gate_failure(enum gate_effect effect)
{
	static const uint8_t failures[GATE_EFFECTS] = {
	    [EFFECT_NONE] = GATE_EVENTS,
	    [EFFECT_LOCK] = EVENT_NO_LOCK,
	    [EFFECT_FLIP_DIALLING] = EVENT_FLIP_FAILED,
	    [EFFECT_FLIP_ASKING] = EVENT_FLIP_FAILED,
	    [EFFECT_FLIP_OPEN] = EVENT_FLIP_FAILED,
	    [EFFECT_FLIP_PAUSED] = EVENT_COMMAND_FAILED,
	    [EFFECT_REMOVE_RULES] = EVENT_COMMAND_FAILED,
	    [EFFECT_FORGET_STATES] = GATE_EVENTS,
	    [EFFECT_LAUNCH] = EVENT_NO_START,
	    [EFFECT_TERMINATE] = GATE_EVENTS,
	    [EFFECT_KILL] = GATE_EVENTS,
	    [EFFECT_ASK] = EVENT_ASKED,
	    [EFFECT_WRITE_MARKER] = EVENT_COMMAND_FAILED,
	    [EFFECT_GO_UNPROTECTED] = GATE_EVENTS,
	};

	return failures[effect];
}
