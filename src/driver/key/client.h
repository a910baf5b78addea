/* The driver's end of the socket to the process that holds the private key. */
#ifndef DRIVER_KEY_CLIENT_H
#define DRIVER_KEY_CLIENT_H

#include "driver/key/request.h"

struct event_base;
struct key_client; /* opaque */

enum key_state {
	KEY_NONE,    /* no key is configured */
	KEY_AWAITED, /* that process has not said yet whether there is one */
	KEY_READY,
	KEY_LACKS /* key_client_lack says what */
};

struct key_client_events {
	void (*known)(void *argument);                                   /* the state is another one now */
	void (*answer)(const struct key_answer *answer, void *argument); /* to key_client_sign */
	void *argument;
};

/* `descriptor` stays the caller's; if it is no socket there is no key. NULL: no memory. */
struct key_client *key_client_new(struct event_base *base, int descriptor,
				  const struct key_client_events *events);
void key_client_free(struct key_client *client); /* NULL is fine */

enum key_state key_client_state(const struct key_client *client);
/* One line, what is missing and what to do. */
const char *key_client_lack(const struct key_client *client);

/* Asks; the answer comes as an event, also when that process ends before. */
void key_client_sign(struct key_client *client, const struct key_request *request);

#endif
