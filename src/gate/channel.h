/* gate: notes to the driver. */
#ifndef GATE_CHANNEL_H
#define GATE_CHANNEL_H

#include "base/wire_channel.h"

struct gate;

/* Sends the driver a note about the present state. Never blocks: the channel of a driver
 * that does not read is closed, and the driver exits. */
void channel_notify(struct gate *gate, enum wire_note note, const char *text);

/* NOTE_NAME. */
void channel_name(struct gate *gate, const struct wire_name *name);

/* Has the driver end the attempt and dial again; the only request that is not stored. */
void channel_reconnect(struct gate *gate, const char *why);

/* Passes a person's answer on, a secret that stays the caller's to wipe. */
void channel_answer(struct gate *gate, const char *answer);

#endif
