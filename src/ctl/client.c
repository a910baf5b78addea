/* The client's end of the control socket: one JSON object a line, in both directions. */
#include "ctl/client.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/shown.h"
#include "base/text.h"
#include "os/host/clock.h"
#include "os/process/descriptor.h"

enum { RETRY_PAUSE = 50 }; /* ms between two connections while the driver comes back */

int client_beside(const char *socket, const char *name, char *to, size_t size, struct err *e)
{
	const char *slash = strrchr(socket, '/');
	size_t used = 0;

	if (slash != NULL && text_append(to, size, &used, "%.*s/", (int)(slash - socket), socket) == -1)
		return err_set(e, "%s: the path is too long; instead: a shorter one", socket);
	if (text_append(to, size, &used, "%s", name) == -1)
		return err_set(e, "%s: the path is too long; instead: a shorter one", socket);
	return 0;
}

static enum client_result connect_failed(const char *path, struct err *e)
{
	if (errno == ENOENT || errno == ECONNREFUSED || errno == ENOTDIR)
		return CLIENT_NO_DAEMON;
	if (errno == EACCES || errno == EPERM)
		err_set(e, "you may not use %s; instead: run this as root or as a member of control.group",
			path);
	else if (errno == EAGAIN || errno == EINPROGRESS)
		err_set(e, "portcullisd is running at %s, but accepts no connection; instead: see its log",
			path);
	else
		err_errno(e, "%s", path);
	return CLIENT_FAILED;
}

enum client_result client_connect(const char *path, int patience, int *descriptor, struct err *e)
{
	const struct timeval limit = clock_timeval(patience);
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd;

	if (text_copy(address.sun_path, sizeof address.sun_path, path) == -1) {
		err_set(e, "%s: longer than a socket's path can be; instead: a shorter one", path);
		return CLIENT_FAILED;
	}
	fd = descriptor_socket(AF_UNIX, SOCK_STREAM, false);
	if (fd == -1 || setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit) == -1 ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) == -1 ||
	    connect(fd, (const struct sockaddr *)&address, sizeof address) == -1) {
		enum client_result result = connect_failed(path, e);

		if (fd != -1)
			close(fd);
		return result;
	}
	*descriptor = fd;
	return CLIENT_OK;
}

static int send_line(int descriptor, const json_t *request)
{
	char *text = json_dumps(request, JSON_COMPACT);
	size_t length = text != NULL ? strlen(text) : 0;
	ssize_t sent = -1;

	if (text != NULL) {
		text[length] = '\n'; /* replaces the terminator: the length is sent with it */
		sent = send(descriptor, text, length + 1, MSG_NOSIGNAL);
	}
	free(text);
	return sent == (ssize_t)length + 1 ? 0 : -1;
}

/* Removes one line from the buffer, and parses it. */
static enum client_result read_line(struct client *client, const char *end, json_t **object, struct err *e)
{
	size_t length = (size_t)(end - client->buffer);

	*object = json_loadb(client->buffer, length, JSON_REJECT_DUPLICATES, NULL);
	client->used -= length + 1;
	memmove(client->buffer, end + 1, client->used);
	if (json_is_object(*object))
		return CLIENT_OK;
	json_decref(*object);
	*object = NULL;
	err_set(e, "the answer is not from portcullis; instead: name its socket with -s");
	return CLIENT_FAILED;
}

/* Waits until there is something to read. */
static enum client_result wait_for(int descriptor, int64_t deadline, struct err *e)
{
	for (;;) {
		struct pollfd waiting = {.fd = descriptor, .events = POLLIN};
		int64_t left = deadline == -1 ? -1 : deadline - clock_steady_ms();
		int ready;

		if (deadline != -1 && left < 0)
			left = 0;
		ready = poll(&waiting, 1, (int)left);
		if (ready == 0)
			return CLIENT_LATE;
		if (ready > 0)
			return CLIENT_OK;
		if (errno != EINTR) {
			err_errno(e, "the control socket");
			return CLIENT_FAILED;
		}
	}
}

enum client_result client_next(struct client *client, int patience, json_t **object, struct err *e)
{
	int64_t deadline = patience < 0 ? -1 : clock_steady_ms() + patience;

	*object = NULL;
	for (;;) {
		const char *end = memchr(client->buffer, '\n', client->used);
		enum client_result waited;
		ssize_t got;

		if (end != NULL)
			return read_line(client, end, object, e);
		if (client->used == sizeof client->buffer) {
			err_set(e, "the answer does not end; instead: name portcullis's socket with -s");
			return CLIENT_FAILED;
		}
		if ((waited = wait_for(client->descriptor, deadline, e)) != CLIENT_OK)
			return waited;
		got = recv(client->descriptor, client->buffer + client->used,
			   sizeof client->buffer - client->used, MSG_DONTWAIT);
		if (got == 0 || (got == -1 && errno == ECONNRESET))
			return CLIENT_CLOSED;
		if (got == -1 && errno != EAGAIN && errno != EINTR) {
			err_errno(e, "the control socket");
			return CLIENT_FAILED;
		}
		client->used += got > 0 ? (size_t)got : 0;
	}
}

/* One connection, one request, one answer. */
static enum client_result request_once(struct client *client, const char *socket, const json_t *request,
				       int patience, json_t **answer, struct err *e)
{
	enum client_result result;

	client->used = 0;
	client->descriptor = -1;
	if ((result = client_connect(socket, patience, &client->descriptor, e)) != CLIENT_OK)
		return result;
	if (send_line(client->descriptor, request) == -1) {
		/* Either it has sent the reason before it closed the connection; or the driver has
		 * just exited, and the next one answers. */
		if ((result = client_next(client, 0, answer, e)) == CLIENT_LATE)
			result = CLIENT_CLOSED;
	} else {
		result = client_next(client, patience, answer, e);
	}
	if (result != CLIENT_OK)
		client_close(client);
	return result;
}

enum client_result client_request(struct client *client, const char *socket, const json_t *request,
				  json_t **answer, struct err *e)
{
	int64_t deadline = clock_steady_ms() + CLIENT_PATIENCE;
	enum client_result result;

	do {
		int64_t left = deadline - clock_steady_ms();

		result = request_once(client, socket, request, left > 1 ? (int)left : 1, answer, e);
		if (result != CLIENT_CLOSED)
			break;
		poll(NULL, 0, RETRY_PAUSE);
	} while (clock_steady_ms() < deadline);
	if (result == CLIENT_OK && json_is_string(json_object_get(*answer, "error"))) {
		char text[400];
		const char *why = json_string_value(json_object_get(*answer, "error"));

		err_set(e, "%s", shown(text, sizeof text, why));
		json_decref(*answer);
		*answer = NULL;
		client_close(client);
		return CLIENT_FAILED;
	}
	if (result == CLIENT_CLOSED && geteuid() != 0) {
		err_set(e, "portcullisd closed the connection; instead: run this as root or as a member of "
			   "control.group");
		return CLIENT_FAILED;
	}
	if (result != CLIENT_CLOSED && result != CLIENT_LATE)
		return result;
	/* portcullisd holds this socket, and its driver answers. Without a driver the gate is shut, if it can
	 * be. */
	err_set(e, "portcullisd is running, but its driver does not answer (the gate is shut, unless it was "
		   "paused, off or unprotected); instead: try again, or see its log");
	return CLIENT_NO_DRIVER;
}

enum client_result client_command(struct client *client, const char *socket, const char *command,
				  json_t **answer, struct err *e)
{
	json_t *request = json_pack("{s:s}", "command", command);
	enum client_result result = client_request(client, socket, request, answer, e);

	json_decref(request);
	return result;
}

void client_close(struct client *client)
{
	if (client->descriptor != -1)
		close(client->descriptor);
	client->descriptor = -1;
}
