/* gate: what the gate tells its driver. */
#ifndef GATE_CHANNEL_H
#define GATE_CHANNEL_H

#include "base/wire_channel.h"

struct gate;

/* Tells the driver what is now the case. Never blocks: a driver that does not
 * read is cut off, and ends. */
void channel_note(struct gate *gate, enum wire_note note, const char *text);

/* The one wish that is not kept: leave and dial again. */
void channel_reconnect(struct gate *gate);

#endif
