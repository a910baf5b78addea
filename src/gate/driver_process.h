/* gate: the driver's process and its channel. */
#ifndef GATE_DRIVER_PROCESS_H
#define GATE_DRIVER_PROCESS_H

#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/wire_channel.h"

struct gate;

struct driver_process {
	event_callback_fn read; /* what comes on the channel goes there */
	pid_t pid;              /* 0: none */
	pid_t signer;           /* holds the private key; it lives as long as the driver; 0: none */
	int channel;
	struct event *readable, *restart;
	unsigned failures; /* exits in a row, each soon after the start */
	int64_t started_ms;
	bool stale; /* what it was started with has been read again since */
	size_t filled;
	struct wire_request request; /* being read */
};

/* Starts it, and the process that holds the private key, unless it runs. */
void driver_start(struct gate *gate);

/* Ends it, or cleans up after its exit; the gate locks. */
void driver_end(struct gate *gate);

/* The same, and starts it again, with back-off. */
void driver_restart(struct gate *gate);

/* The process that holds the private key has ended: the same, as the driver has lost its key. */
void driver_lost_signer(struct gate *gate);

/* Starts another one with the present profile and credentials: at once, or, if an openvpn runs, only notes
 * that; whoever has reaped openvpn calls it again. */
void driver_renew(struct gate *gate);

#endif
