/* gate: the latest time that was seen, so that a clock that is before it is told of. Nothing is decided by
 * it. */
#ifndef GATE_SEEN_H
#define GATE_SEEN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct gate;

/* Reads it from the state directory; a clock that is before it is logged. Always 0: the gate needs no time.
 */
int seen_begin(struct gate *gate, struct err *e);

/* Stores the present time if it is later. `believed`: in any case, for a server's certificate was found valid
 * with it. */
void seen_note(struct gate *gate, bool believed);

/* What the status says of a clock that is before it, in `to`; "" nothing. */
void seen_notice(const struct gate *gate, char *to, size_t size);

#endif
