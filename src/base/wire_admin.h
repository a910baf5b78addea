/* The admin socket (gate.sock): what root requests of portcullisd itself. */
#ifndef BASE_WIRE_ADMIN_H
#define BASE_WIRE_ADMIN_H

#include <stdint.h>

#include "base/wire.h"

/* What needs privilege. One request, one answer, then closed. */
enum wire_admin {
	ADMIN_UP = 1,
	ADMIN_DOWN,
	ADMIN_RECONNECT,
	ADMIN_PAUSE,
	ADMIN_RESUME,
	ADMIN_OFF,
	ADMIN_RELOAD,
	ADMIN_LOGIN,
	ADMIN_PORTAL /* the answer has the group for which the hole is */
};

struct wire_admin_request {
	uint32_t version;
	uint32_t verb;            /* enum wire_admin */
	uint32_t seconds;         /* ADMIN_PAUSE, ADMIN_PORTAL (0: end it) */
	uint32_t persist;         /* ADMIN_OFF: 1 = stay off over a reboot */
	uint32_t user, any;       /* ADMIN_PORTAL: whose programs; 1 = of every address */
	char answer[WIRE_ANSWER]; /* ADMIN_LOGIN: a secret, terminated; else zero */
};

struct wire_admin_answer {
	uint32_t version;
	uint32_t refused;     /* 0: done or under way */
	uint32_t gate;        /* enum wire_gate */
	uint32_t group;       /* of portals, 0: none */
	char text[WIRE_TEXT]; /* why it was refused, or what is going on */
};

_Static_assert(sizeof(struct wire_admin_request) == 24 + WIRE_ANSWER, "no padding on the wire");
_Static_assert(sizeof(struct wire_admin_answer) == 16 + WIRE_TEXT, "no padding on the wire");

#endif
