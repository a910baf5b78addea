/* What follows from an event of the tunnel. */
#ifndef TUNNEL_EFFECTS_H
#define TUNNEL_EFFECTS_H

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
	/* how long until the next stage: tunnel/limits.h */
	TUNNEL_ARM_START,
	TUNNEL_ARM_ANSWER,
	TUNNEL_ARM_HANDSHAKE,
	TUNNEL_ARM_PENDING,
	TUNNEL_ARM_SETUP,
	TUNNEL_ARM_LEAVE, /* then ask again */
	TUNNEL_ARM_WAIT,  /* back-off */
	TUNNEL_DISARM,
	TUNNEL_RETRY_SOON,    /* try now, or as soon as the last try is old enough */
	TUNNEL_REMEMBER,      /* the network changed: the next wait is cut short */
	TUNNEL_COUNT_REFUSAL, /* a log-in was refused */
	TUNNEL_RESET_BACKOFF  /* count failures and refusals from 0 again */
};

/* "ask-leave", "arm-wait" ... */
const char *tunnel_effect_name(enum tunnel_effect effect);

#endif
