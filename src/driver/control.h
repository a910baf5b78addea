/* The control socket: who may connect, and how much each client may use. */
#ifndef DRIVER_CONTROL_H
#define DRIVER_CONTROL_H

#include <stdbool.h>
#include <stdint.h>

struct event_base;
struct control; /* opaque */

enum { CONTROL_CLIENTS = 64, CONTROL_PER_USER = 16, CONTROL_FOR_ROOT = 8, CONTROL_QUEUE_MAX = 256 * 1024 };

struct control_events {
	/* A client asks for the status, which may be old. True: control_refreshed will be
	 * called soon (not from within); false: it is fresh enough. */
	bool (*refresh)(void *argument);
	/* The status as one line of JSON without line end, to be freed; NULL: no memory. */
	char *(*status)(void *argument);
	void *argument;
};

/* Descriptors stay the caller's. Accepts nobody yet. NULL: no memory. */
struct control *control_new(struct event_base *base, int listener, int log,
			    const struct control_events *events);
void control_free(struct control *control); /* NULL is fine */

/* Accepts from now on: root, and members of `gid` (-1: none). */
void control_start(struct control *control, int64_t gid);

void control_refreshed(struct control *control); /* answers the clients that wait for a status */
void control_changed(struct control *control);   /* sends the status to those that watch */

#endif
