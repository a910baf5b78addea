/* The event loop, as a daemon wants it. */
#ifndef OS_HOST_LOOP_H
#define OS_HOST_LOOP_H

#include <event2/event.h>
#include <stdint.h>

/* A loop. libevent's environment variables are ignored. `fatal` is called, and must not return, where
 * libevent can't go on. NULL: no memory, no descriptor. */
struct event_base *loop_new(void (*fatal)(int code));

/* (Re)arms *timer, which begins as NULL and is the caller's, to call `callback` once in `ms`. Without memory
 * it never does. */
void loop_arm(struct event_base *base, struct event **timer, event_callback_fn callback, void *argument,
	      int64_t ms);

#endif
