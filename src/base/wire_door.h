/* gate.sock: what root asks portcullisd itself for. */
#ifndef BASE_WIRE_DOOR_H
#define BASE_WIRE_DOOR_H

#include <stdint.h>

#include "base/wire.h"

/* gate.sock: what wants privilege. One request, one answer, then closed. */
enum wire_door { DOOR_UP = 1, DOOR_DOWN, DOOR_RECONNECT, DOOR_PAUSE, DOOR_RESUME, DOOR_OFF, DOOR_RELOAD };

struct wire_door_request {
	uint32_t version;
	uint32_t verb;    /* enum wire_door */
	uint32_t seconds; /* DOOR_PAUSE */
	uint32_t persist; /* DOOR_OFF: 1 = stay off over a reboot */
};

struct wire_door_answer {
	uint32_t version;
	uint32_t refused; /* 0: done or under way */
	uint32_t gate;    /* enum wire_gate */
	uint32_t reserved;
	char text[WIRE_TEXT]; /* why it was refused, or what is going on */
};

_Static_assert(sizeof(struct wire_door_request) == 16, "no padding on the wire");
_Static_assert(sizeof(struct wire_door_answer) == 16 + WIRE_TEXT, "no padding on the wire");

#endif
