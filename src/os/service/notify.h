/* The notify port: notifies the service manager, if one listens. Never blocks, never fails. */
#ifndef OS_SERVICE_NOTIFY_H
#define OS_SERVICE_NOTIFY_H

#include <stdbool.h>

struct event_base;

/* Finds the service manager by what it left in our environment, and goes on to show it that `base` is
 * alive, as often as it asked. Without one everything here does nothing. */
void notify_begin(struct event_base *base);

/* What we do, in one line: "locked: why". With `protecting` we have also started as far as others wait for.
 */
void notify_state(bool protecting, const char *state, const char *why);

#endif
