/* The tunnel's states and events, and their names. */
#ifndef TUNNEL_WORDS_H
#define TUNNEL_WORDS_H

/* The states of leaving and configuring differ in what follows; users see one word for each. */
enum tunnel_state {
	TUNNEL_DOWN,
	TUNNEL_RESOLVING,
	TUNNEL_ASKED, /* the gate was asked to dial */
	TUNNEL_CONNECTING,
	TUNNEL_AUTHENTICATING,
	TUNNEL_PENDING, /* the handshake is over; the server has yet to admit us */
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
	TUNNEL_UNREACHABLE,     /* openvpn: no way to the server, or it refuses; others are left to try */
	TUNNEL_HANDSHAKE,       /* openvpn: first answer of the server */
	TUNNEL_PENDED,          /* openvpn: the server wants patience, or lets us wait for our options */
	TUNNEL_CONFIG,          /* openvpn: sets its configuration */
	TUNNEL_ADDRESS,         /* openvpn: the tunnel's addresses are known or changed */
	TUNNEL_SUCCESS,         /* openvpn: CONNECTED,SUCCESS */
	TUNNEL_CONNECT_ERRORS,  /* openvpn: CONNECTED with an error */
	TUNNEL_DEVICE_DOWN,     /* openvpn: closes its device */
	TUNNEL_RESTART,         /* openvpn: RECONNECTING, or a hold after the first */
	TUNNEL_EXITED,          /* openvpn: EXITING, FATAL, or its connection ended */
	TUNNEL_DENIED,          /* the server refuses the log-in; others may not, or it later */
	TUNNEL_CREDENTIALS,     /* credentials are missing, or refused for good */
	TUNNEL_TIMER,           /* the deadline has passed */
	TUNNEL_NETWORK,         /* the network changed, or the machine woke */
	TUNNEL_LOST_WAY,        /* the network changed so that this attempt's session can't live on */
	TUNNEL_EVENTS
};

/* "connecting", "leaving" ...: the words of status. Never NULL. */
const char *tunnel_state_word(enum tunnel_state state);
/* One name for each: "leaving-retry", "refused-running". */
const char *tunnel_state_name(enum tunnel_state state);
const char *tunnel_event_name(enum tunnel_event event);

#endif
