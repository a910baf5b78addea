/* The sleep port: reports that the machine woke. */
#ifndef OS_HOST_SLEEP_H
#define OS_HOST_SLEEP_H

#include "base/err.h"

struct sleep_watch;
struct event_base;

/* Calls `woke` from the loop after the machine slept; where the kernel doesn't
 * tell (macOS, FreeBSD) it looks once a second. NULL and `e` on failure. */
struct sleep_watch *sleep_open(struct event_base *base, void (*woke)(void *argument), void *argument,
			       struct err *e);
void sleep_close(struct sleep_watch *watch); /* NULL is fine */

#endif
