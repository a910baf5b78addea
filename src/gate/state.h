/* gate: its state as one value (what root wants, and what is in force), and its events. Pure. */
#ifndef GATE_STATE_H
#define GATE_STATE_H

/* The last command counts; a pause and an off keep what was wanted before them. Zeroed: down. */
enum gate_desired {
	DESIRED_DOWN,
	DESIRED_UP,
	DESIRED_PAUSE_DOWN,
	DESIRED_PAUSE_UP,
	DESIRED_OFF_DOWN,
	DESIRED_OFF_UP,
	DESIRED_STOP,
	GATE_DESIRED
};

/* What has been verified. Zeroed: nothing. */
enum gate_actual {
	ACTUAL_UNPROTECTED,
	ACTUAL_LOCKED,
	ACTUAL_ENDING, /* locked; an openvpn is not reaped yet */
	ACTUAL_DIALLING,
	ACTUAL_OPEN,
	ACTUAL_LEAVING, /* the tunnel is shut, the hole is open until openvpn is reaped */
	ACTUAL_PAUSED,
	ACTUAL_OFF,
	ACTUAL_ASKING, /* locked, but for the hole to the resolver: a child asks for the servers' names */
	GATE_ACTUAL
};

struct gate_state {
	enum gate_desired desired;
	enum gate_actual actual;
};

enum gate_event {
	/* Root's. */
	EVENT_UP,
	EVENT_DOWN,
	EVENT_RECONNECT,
	EVENT_PAUSE,
	EVENT_RESUME,
	EVENT_OFF,
	EVENT_MARKER, /* the marker of `off --offline` was found */
	EVENT_STOP,
	/* The driver's: its verbs, once their values are checked. */
	EVENT_DIAL,
	EVENT_OPEN,
	EVENT_LEAVE,
	EVENT_ASK,
	/* The machine's. */
	EVENT_ASKED, /* the child that asks has ended, or its time is over */
	EVENT_KILL,  /* the attempt can't go on */
	EVENT_REAPED,
	EVENT_DISTURBED, /* the policy in force can't be verified any more */
	EVENT_PAUSE_OVER,
	EVENT_RETRY, /* lock again */
	/* What failed: gate_failure. */
	EVENT_NO_START,       /* openvpn */
	EVENT_FLIP_FAILED,    /* to anything that an attempt needs */
	EVENT_COMMAND_FAILED, /* what root asked for can't be done */
	EVENT_NO_LOCK,
	GATE_EVENTS
};

#endif
