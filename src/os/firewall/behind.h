/* What stands behind every hook of the filter and may turn packets elsewhere: traffic control, XDP, nft's fwd
 * and dup. */
#ifndef OS_FIREWALL_BEHIND_H
#define OS_FIREWALL_BEHIND_H

#include <stddef.h>

#include "base/err.h"

struct behind;
struct event_base;

/* Something may have changed there: look. Called from the loop, once for a burst. */
typedef void behind_cb(void *argument);

/* Watches from `base`'s loop, as long as the process lives. NULL and `e` on failure. */
struct behind *behind_open(struct event_base *base, behind_cb *cb, void *argument, struct err *e);

/* Looks at every link but loopback now. 0: nothing there that could turn a packet past the rules; 1 and `e`:
 * what, where, and what to do; -1 and `e`: it can't be told. Blocks for the kernel only. */
int behind_look(struct err *e);

#endif
