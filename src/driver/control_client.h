/* One client of the control socket. */
#ifndef DRIVER_CONTROL_CLIENT_H
#define DRIVER_CONTROL_CLIENT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/limit.h"
#include "driver/control.h"
#include "driver/control_request.h"

struct event;
struct evbuffer;

enum client_mode {
	CLIENT_READY,   /* a request may come */
	CLIENT_WAITS,   /* for a fresh status */
	CLIENT_WATCHES, /* gets each change */
	CLIENT_LOG,     /* gets the log */
	CLIENT_LEAVES,  /* gets what is queued, then it is closed */
	CLIENT_GONE     /* is freed at the end of the callback */
};

struct client {
	struct control *control;
	struct event *readable, *writable;
	struct evbuffer *queue;
	enum client_mode mode;
	uint32_t uid;
	int descriptor;
	bool ended; /* sends no more */
	bool follow, caught_up;
	off_t log_at;
	size_t filled;
	char line[CONTROL_LINE_MAX];
};

/* What clients share; control.c owns it. */
struct control {
	struct event_base *base;
	struct event *acceptable, *resume, *poll_log;
	struct control_events events;
	struct client *clients[CONTROL_CLIENTS];
	int listener, log, reserve;
	int64_t gid;
	struct limit complaints;
	char *last_status; /* of the last change, if anybody watched then */
};

/* Owns the descriptor from now on. NULL: no memory, and it is closed. */
struct client *client_new(struct control *control, int descriptor, uint32_t uid);
void client_free(struct client *client);

void client_read(struct client *client);                   /* reads what has arrived, or the end */
void client_send(struct client *client, const char *json); /* one line; a slow client is dropped */
void client_send_status(struct client *client);
void client_handle_requests(struct client *client); /* those in `line` */
/* Of all of a control's clients: */
void client_sweep(struct control *control); /* frees those in CLIENT_GONE */
void client_poll_log_cb(int fd, short what,
			void *control); /* of a timer: sends more of the log to those that follow it */

#endif
