/* The links that we set down, by name, to be set up again: one that was replugged meanwhile comes back with
 * another index. */
#ifndef OS_NETWATCH_SET_DOWN_H
#define OS_NETWATCH_SET_DOWN_H

#include "base/err.h"

/* Remembers one. 0, or -1: there is no room. */
int set_down_remember(const char *name);

/* Sets `name` up by whatever `by` is. 0, also if it is gone; or -1 and `e`. */
typedef int set_down_up_fn(void *by, const char *name, struct err *e);

/* Sets up what it can, and forgets it. 0; or -1 and `e`: some can't be, and are still remembered. */
int set_down_restore(set_down_up_fn *up, void *by, struct err *e);

#endif
