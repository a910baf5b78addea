/* The sleep port: reports that the machine woke. */
#ifndef OS_HOST_SLEEP_H
#define OS_HOST_SLEEP_H

#include <stdint.h>

#include "base/err.h"

struct sleep_watch;
struct event_base;

/* Calls `woke` from the loop after the machine slept for `ms`; where the kernel doesn't
 * tell (macOS, FreeBSD) it looks once a second. NULL and `e` on failure. */
typedef void sleep_woke_fn(uint64_t ms, void *argument);
struct sleep_watch *sleep_open(struct event_base *base, sleep_woke_fn *woke, void *argument, struct err *e);
void sleep_close(struct sleep_watch *watch); /* NULL is fine */

#endif
