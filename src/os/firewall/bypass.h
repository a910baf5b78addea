/* A bypass: what takes packets past every hook of the filter. Traffic control, XDP, nft's fwd and dup. */
#ifndef OS_FIREWALL_BYPASS_H
#define OS_FIREWALL_BYPASS_H

#include <stddef.h>

#include "base/err.h"

struct bypass_watch;
struct event_base;

/* There may be a bypass now, or none any more: call bypass_find. Called from the loop, once for a burst. */
typedef void bypass_cb(void *argument);

/* Watches from `base`'s loop, as long as the process lives. NULL and `e` on failure. */
struct bypass_watch *bypass_open(struct event_base *base, bypass_cb *cb, void *argument, struct err *e);

/* Looks at every link but loopback now. 0: none; 1 and `e`: what, where, and what to do; -1 and `e`: the
 * kernel gave no answer. Blocks for the kernel only. */
int bypass_find(struct err *e);

#endif
