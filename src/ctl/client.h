/* The client's end of the control socket: one JSON object a line, in both directions. */
#ifndef CTL_CLIENT_H
#define CTL_CLIENT_H

#include <stddef.h>

#include <jansson.h>

#include "base/err.h"

enum {
	CLIENT_LINE_MAX = 128 * 1024,
	CLIENT_PATIENCE = 2000
}; /* ms for a first answer, a respawn of the driver included */

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
	CLIENT_NO_DRIVER /* portcullisd holds the socket, but no driver answers yet */
};

/* The path of `name` beside the control socket. 0, or -1 and `e` if it is too long. */
int client_beside(const char *socket, const char *name, char *to, size_t size, struct err *e);

/* Connects to a unix socket; each wait on it ends after `patience` ms. The caller
 * closes *descriptor. CLIENT_OK, _NO_DAEMON or _FAILED. */
enum client_result client_connect(const char *path, int patience, int *descriptor, struct err *e);

/* Connects, sends `request` (which stays the caller's) and reads the first
 * answer into *answer, which the caller frees with json_decref. Tries again while
 * the driver is being respawned, for CLIENT_PATIENCE in all. CLIENT_OK,
 * _NO_DAEMON, _NO_DRIVER or _FAILED. The caller closes the client only after CLIENT_OK. */
enum client_result client_request(struct client *client, const char *socket, const json_t *request,
				  json_t **answer, struct err *e);

/* The same with a request that holds only a command. */
enum client_result client_command(struct client *client, const char *socket, const char *command,
				  json_t **answer, struct err *e);

/* The next object; waits up to `patience` ms (-1: for ever). CLIENT_OK,
 * _CLOSED, _LATE or _FAILED. */
enum client_result client_next(struct client *client, int patience, json_t **object, struct err *e);

void client_close(struct client *client);

#endif
