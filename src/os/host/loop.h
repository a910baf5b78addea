/* The event loop, as a daemon wants it. */
#ifndef OS_HOST_LOOP_H
#define OS_HOST_LOOP_H

struct event_base;

/* A loop. libevent's environment variables are ignored. `fatal` is called, and must not return, where
 * libevent can't go on. NULL: no memory, no descriptor. */
struct event_base *loop_new(void (*fatal)(int code));

#endif
