/* The driver's end of the channel to the gate. */
#ifndef DRIVER_GATE_CHANNEL_H
#define DRIVER_GATE_CHANNEL_H

#include "base/wire_channel.h"

struct event_base;
struct gate_channel; /* opaque */

struct gate_channel_events {
	void (*note)(const struct wire_note_message *note, void *argument);
	/* The gate has exited, accepts no messages, or is of another version: the driver must exit. */
	void (*end)(const char *why, void *argument);
	void *argument;
};

/* `descriptor` is made non-blocking and stays the caller's. NULL: no memory. */
struct gate_channel *gate_channel_new(struct event_base *base, int descriptor,
				      const struct gate_channel_events *events);
void gate_channel_free(struct gate_channel *channel); /* NULL is fine */

/* Sends one request; never blocks. `endpoint` and `tunnel` may be NULL. */
void gate_channel_send(struct gate_channel *channel, enum wire_verb verb, const struct net_endpoint *endpoint,
		       const struct wire_tunnel *tunnel);

#endif
