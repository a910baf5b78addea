/* The strict boot port: while no lock is proven the network's services are off, over a reboot too. */
#ifndef OS_SERVICE_STRICT_BOOT_H
#define OS_SERVICE_STRICT_BOOT_H

#include <stdbool.h>

#include "base/err.h"

/* At the gate's end, if `wanted`: remembers which network services are on, then
 * switches them off for good. A platform whose lock comes before the network
 * has nothing to do. Says in the log what failed. Blocks, 15 s at most. */
void strict_boot_shut(bool wanted);

/* If the lock is `verified` (or root wants none): what strict_boot_shut switched
 * off comes back. Costs a look at one file where there is nothing to do; after a
 * failure it is not tried again in this process, and the log says what to do.
 * Blocks, 15 s at most. */
void strict_boot_return(bool verified);

/* The same for `off`, as often as it is asked. 0 also if there was nothing to
 * do; -1 and `e`: what is still off is still remembered. */
int strict_boot_undo(struct err *e);

#endif
