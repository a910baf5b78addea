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
	ADMIN_LOGIN
};

struct wire_admin_request {
	uint32_t version;
	uint32_t verb;            /* enum wire_admin */
	uint32_t seconds;         /* ADMIN_PAUSE */
	uint32_t persist;         /* ADMIN_OFF: 1 = stay off over a reboot */
	char answer[WIRE_ANSWER]; /* ADMIN_LOGIN: a secret, terminated; else zero */
};

struct wire_admin_answer {
	uint32_t version;
	uint32_t refused; /* 0: done or under way */
	uint32_t gate;    /* enum wire_gate */
	uint32_t reserved;
	char text[WIRE_TEXT]; /* why it was refused, or what is going on */
};

_Static_assert(sizeof(struct wire_admin_request) == 16 + WIRE_ANSWER, "no padding on the wire");
_Static_assert(sizeof(struct wire_admin_answer) == 16 + WIRE_TEXT, "no padding on the wire");

#endif
