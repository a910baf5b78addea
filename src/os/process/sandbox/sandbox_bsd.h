/* What the sandbox ports of macOS and the BSDs share. */
#ifndef OS_PROCESS_SANDBOX_SANDBOX_BSD_H
#define OS_PROCESS_SANDBOX_SANDBOX_BSD_H

#include "base/err.h"

/* What a system has beyond identities: no debugger, no new privileges, an end
 * with the parent. 0 or -1. */
int sandbox_give_up(struct err *e);

#endif
