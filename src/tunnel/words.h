/* The tunnel's states, events and effects, and their names. */
#ifndef TUNNEL_WORDS_H
#define TUNNEL_WORDS_H

/* The states of leaving and configuring differ in what follows; users see one word for each. */
enum tunnel_state {
	TUNNEL_DOWN,
	TUNNEL_RESOLVING,
	TUNNEL_ASKED, /* the gate was asked to dial */
	TUNNEL_CONNECTING,
	TUNNEL_AUTHENTICATING,
	TUNNEL_CONFIGURING,
	TUNNEL_OPENING, /* openvpn is ready, the gate was asked to open */
	TUNNEL_CONNECTED,
	TUNNEL_LEAVING_DOWN,
	TUNNEL_LEAVING_WAIT,
	TUNNEL_LEAVING_STOP,
	TUNNEL_LEAVING_RETRY,
	TUNNEL_WAITING,
	TUNNEL_STOPPED,
	TUNNEL_STATES
};

enum tunnel_event {
	TUNNEL_UP,          /* wanted up, and the gate may dial */
	TUNNEL_WANTED_DOWN, /* wanted down, or the gate is paused, off or unprotected */
	TUNNEL_RECONNECT,
	TUNNEL_FOUND,           /* a remote with an address was picked */
	TUNNEL_NONE,            /* no remote has an address */
	TUNNEL_STARTED,         /* gate: openvpn runs */
	TUNNEL_REFUSED,         /* gate: refused, and no openvpn runs */
	TUNNEL_REFUSED_RUNNING, /* gate: refused, openvpn still runs */
	TUNNEL_OPENED,          /* gate: open and verified */
	TUNNEL_SHUT,            /* gate: no longer open */
	TUNNEL_ENDED,           /* gate: openvpn reaped, locked */
	TUNNEL_HANDSHAKE,       /* openvpn: first answer of the server */
	TUNNEL_CONFIG,          /* openvpn: asks for or sets its configuration */
	TUNNEL_ADDRESS,         /* openvpn: the tunnel's addresses are known or changed */
	TUNNEL_SUCCESS,         /* openvpn: CONNECTED,SUCCESS */
	TUNNEL_CONNECT_ERRORS,  /* openvpn: CONNECTED with an error */
	TUNNEL_DEVICE_DOWN,     /* openvpn: closes its device */
	TUNNEL_RESTART,         /* openvpn: RECONNECTING, or a hold after the first */
	TUNNEL_EXITED,          /* openvpn: EXITING, FATAL, or its connection ended */
	TUNNEL_CREDENTIALS,     /* credentials are wrong or missing */
	TUNNEL_TIMER,           /* the deadline has passed */
	TUNNEL_NETWORK,         /* the network changed, or the machine woke */
	TUNNEL_LOST_WAY,        /* the network changed so that this attempt's session can't live on */
	TUNNEL_EVENTS
};

enum tunnel_effect {
	TUNNEL_NO_EFFECT,
	/* for the caller to carry out, in order */
	TUNNEL_PICK,         /* pick a remote; then comes TUNNEL_FOUND or TUNNEL_NONE */
	TUNNEL_DIAL,         /* ask the gate to dial it */
	TUNNEL_SEND_ADDRESS, /* send the gate the tunnel's addresses */
	TUNNEL_ASK_OPEN,     /* ask the gate to open */
	TUNNEL_ASK_LEAVE,    /* ask the gate to end the attempt */
	TUNNEL_FORGET,       /* drop what is left of the attempt */
	/* carried out by the step itself, in `struct tunnel` */
	TUNNEL_ARM_ATTEMPT, /* so long without progress */
	TUNNEL_ARM_LEAVE,   /* then ask again */
	TUNNEL_ARM_WAIT,    /* back-off */
	TUNNEL_DISARM,
	TUNNEL_RETRY_SOON,   /* try now, or as soon as the last try is old enough */
	TUNNEL_REMEMBER,     /* the network changed: the next wait is cut short */
	TUNNEL_RESET_BACKOFF /* count failures from 0 again */
};

/* "connecting", "leaving" ...: the words of status. Never NULL. */
const char *tunnel_state_word(enum tunnel_state state);
/* One name for each: "leaving-retry", "refused-running", "ask-leave". */
const char *tunnel_state_name(enum tunnel_state state);
const char *tunnel_event_name(enum tunnel_event event);
const char *tunnel_effect_name(enum tunnel_effect effect);

#endif
