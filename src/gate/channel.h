/* gate: notices to the driver. */
#ifndef GATE_CHANNEL_H
#define GATE_CHANNEL_H

#include "base/wire_channel.h"

struct gate;

/* Notifies the driver of what is now the case. Never blocks: a driver that does not
 * read is cut off, and ends. */
void channel_notify(struct gate *gate, enum wire_note note, const char *text);

/* The one request that is not kept: leave and dial again. */
void channel_reconnect(struct gate *gate);

#endif
