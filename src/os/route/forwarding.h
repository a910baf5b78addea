/* The forwarding port: whether this machine passes on the packets of others. */
#ifndef OS_ROUTE_FORWARDING_H
#define OS_ROUTE_FORWARDING_H

#include "base/err.h"

/* Switches it on where it is off, and notes what was switched (until the next
 * boot, which forgets both). Called only after a verified lock. Where the
 * platform leaves it to the owner: nothing. Doesn't block. 0, or -1 and `e`. */
int forwarding_begin(struct err *e);

/* Switches off what forwarding_begin has switched on, in this life or an
 * earlier one; needs no configuration. 0 also if there is nothing; -1 and `e`. */
int forwarding_end(struct err *e);

#endif
