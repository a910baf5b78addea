/* The control socket from the user's side: one JSON object a line, both ways. */
#ifndef CTL_CLIENT_H
#define CTL_CLIENT_H

#include <stddef.h>

#include <jansson.h>

#include "base/err.h"

enum { CLIENT_LINE_MAX = 128 * 1024, CLIENT_PATIENCE = 2000 }; /* ms for a first answer, over a respawn */

struct client {
	int descriptor; /* -1 none */
	size_t used;
	char buffer[CLIENT_LINE_MAX];
};

enum client_result {
	CLIENT_OK,
	CLIENT_CLOSED,
	CLIENT_LATE,
	CLIENT_FAILED,
	CLIENT_NO_DAEMON,
	CLIENT_NO_DRIVER /* the gate holds the socket, and nobody answers there yet */
};

/* The path of `name` beside the control socket. 0, or -1 and `e` if it is too long. */
int client_beside(const char *socket, const char *name, char *to, size_t size, struct err *e);

/* A connection to a unix socket whose every wait ends after `patience` ms:
 * *descriptor is the caller's. CLIENT_OK, _NO_DAEMON or _FAILED. */
enum client_result client_connect(const char *path, int patience, int *descriptor, struct err *e);

/* Connects, sends `request` (which stays the caller's) and takes the first
 * answer, *answer, which the caller frees with json_decref. Tries again while
 * the driver is being respawned, for CLIENT_PATIENCE in all. CLIENT_OK,
 * _NO_DAEMON, _NO_DRIVER or _FAILED; only after CLIENT_OK the client is to be closed. */
enum client_result client_ask(struct client *client, const char *socket, const json_t *request,
			      json_t **answer, struct err *e);

/* The same with a request that is a command and nothing more. */
enum client_result client_command(struct client *client, const char *socket, const char *command,
				  json_t **answer, struct err *e);

/* The next object; waits up to `patience` ms (-1: for ever). CLIENT_OK,
 * _CLOSED, _LATE or _FAILED. */
enum client_result client_next(struct client *client, int patience, json_t **object, struct err *e);

void client_close(struct client *client);

#endif
