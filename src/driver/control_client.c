/* One client of the control socket: its requests, its queue, its end. */
#include "driver/control_client.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "driver/log_tail.h"

enum { SILENT_SECONDS = 10, LOG_CHUNK = 16 * 1024, LOG_QUEUE = 64 * 1024, LOG_POLL_MS = 250 };

static const struct timeval silent = {.tv_sec = SILENT_SECONDS};

static void begin_close(struct client *client)
{
	if (client->mode == CLIENT_GONE)
		return;
	client->mode = evbuffer_get_length(client->queue) > 0 ? CLIENT_LEAVES : CLIENT_GONE;
	/* It has that time to read the rest; what it still sends is ignored. */
	event_del(client->readable);
	event_add(client->writable, &silent);
}

/* Writes what the socket accepts now; the rest when it is writable again. */
static void flush_queue(struct client *client)
{
	if (client->mode == CLIENT_GONE)
		return;
	while (evbuffer_get_length(client->queue) > 0) {
		if (evbuffer_write(client->queue, client->descriptor) > 0)
			continue;
		if (errno == EAGAIN || errno == EINTR)
			event_add(client->writable, NULL);
		else
			client->mode = CLIENT_GONE;
		return;
	}
	if (client->mode == CLIENT_LEAVES)
		client->mode = CLIENT_GONE;
}

static void queue_line(struct client *client, const char *json)
{
	if (evbuffer_add(client->queue, json, strlen(json)) == -1 ||
	    evbuffer_add(client->queue, "\n", 1) == -1 ||
	    evbuffer_get_length(client->queue) > CONTROL_QUEUE_MAX)
		client->mode = CLIENT_GONE;
}

void client_send(struct client *client, const char *json)
{
	if (client->mode == CLIENT_GONE)
		return;
	queue_line(client, json);
	flush_queue(client);
}

/* Owns `value` from now on; NULL: no memory. */
static void queue_pair(struct client *client, const char *key, json_t *value)
{
	json_t *object = json_pack("{s:o}", key, value);
	char *line = object != NULL ? json_dumps(object, JSON_COMPACT | JSON_ENSURE_ASCII) : NULL;

	if (line != NULL)
		queue_line(client, line);
	free(line);
	json_decref(object);
}

static void send_error(struct client *client, const char *why)
{
	queue_pair(client, "error", json_string(why));
	flush_queue(client);
	begin_close(client);
}

void client_send_status(struct client *client)
{
	char *line = client->control->events.status(client->control->events.argument);

	if (line == NULL)
		client->mode = CLIENT_GONE;
	else
		client_send(client, line);
	free(line);
}

/* Our own lines are clean; those of another program may contain any bytes, and JSON
 * allows only UTF-8. */
static void queue_log_line(struct client *client, const char *line, size_t length)
{
	static char clean[4 * LOG_CHUNK + 1];
	json_t *string = json_stringn(line, length);

	if (string == NULL) {
		text_escape(clean, sizeof clean, line, length);
		string = json_string(clean);
	}
	queue_pair(client, "line", string);
}

static void queue_log_lines(struct client *client, const char *text, size_t length)
{
	while (length > 0) {
		const char *end = memchr(text, '\n', length);
		size_t line = end != NULL ? (size_t)(end - text) : length;

		queue_log_line(client, text, line);
		text += line + (end != NULL);
		length -= line + (end != NULL);
	}
}

static void send_log(struct client *client)
{
	char chunk[LOG_CHUNK];
	ssize_t got = 1; /* a full queue says nothing about the log's end */

	while (client->mode == CLIENT_LOG && evbuffer_get_length(client->queue) < LOG_QUEUE) {
		got = log_tail_read(client->control->log, &client->log_at, chunk, sizeof chunk);
		if (got <= 0)
			break;
		queue_log_lines(client, chunk, (size_t)got);
		flush_queue(client);
	}
	if (got > 0 || client->caught_up)
		return;
	client->caught_up = true;
	queue_pair(client, "end", json_true());
	flush_queue(client);
	if (!client->follow)
		begin_close(client);
}

/* Polls only while somebody follows: inside the sandbox nothing announces a change of a file. */
static void arm_log_poll(struct control *control)
{
	static const struct timeval interval = {.tv_usec = LOG_POLL_MS * 1000};

	if (!evtimer_pending(control->poll_log, NULL))
		evtimer_add(control->poll_log, &interval);
}

void client_poll_log_cb(int fd, short what, void *argument)
{
	struct control *control = argument;

	(void)fd, (void)what;
	for (size_t i = 0; i < CONTROL_CLIENTS; i++) {
		if (control->clients[i] == NULL || control->clients[i]->mode != CLIENT_LOG)
			continue;
		send_log(control->clients[i]);
		arm_log_poll(control);
	}
	client_sweep(control);
}

static void start_log(struct client *client, const struct control_request *request)
{
	client->log_at = log_tail_find(client->control->log, request->lines);
	if (client->log_at == -1) {
		send_error(client, "the log is not a file");
		return;
	}
	client->mode = CLIENT_LOG;
	client->follow = request->follow;
	event_remove_timer(client->readable);
	send_log(client);
	if (client->follow)
		arm_log_poll(client->control);
}

static void handle_request(struct client *client, const char *line, size_t length)
{
	struct control_request request;
	struct err e = {""};

	if (control_request_parse(line, length, &request, &e) == -1) {
		send_error(client, e.text);
		return;
	}
	switch (request.command) {
	case CONTROL_STATUS:
		if (client->control->events.refresh(client->control->events.argument))
			client->mode = CLIENT_WAITS;
		else
			client_send_status(client);
		break;
	case CONTROL_WATCH:
		client->mode = CLIENT_WATCHES;
		event_remove_timer(client->readable);
		client_send_status(client);
		break;
	case CONTROL_LOG:
		start_log(client, &request);
		break;
	}
}

void client_handle_requests(struct client *client)
{
	char *end;

	while (client->mode == CLIENT_READY && (end = memchr(client->line, '\n', client->filled)) != NULL) {
		size_t length = (size_t)(end - client->line);

		handle_request(client, client->line, length);
		client->filled -= length + 1;
		memmove(client->line, end + 1, client->filled);
	}
	if (client->mode == CLIENT_READY && client->filled == sizeof client->line)
		send_error(client, "the request is longer than 1 KiB");
	if (client->mode == CLIENT_READY && !client->ended)
		event_add(client->readable, &silent);
	/* A client that only stopped sending still gets its status; one that watches has left. */
	if (client->ended && client->mode == CLIENT_READY)
		begin_close(client);
	else if (client->ended &&
		 (client->mode == CLIENT_WATCHES || (client->mode == CLIENT_LOG && client->follow)))
		client->mode = CLIENT_GONE;
}

void client_read(struct client *client)
{
	size_t room = sizeof client->line - client->filled;
	ssize_t got;

	if (client->ended || client->mode == CLIENT_LEAVES || client->mode == CLIENT_GONE)
		return;
	if (room == 0 && client->mode == CLIENT_WAITS) {
		/* It sends more while it waits for its answer: that is read afterwards. */
		event_del(client->readable);
	} else if (room == 0) {
		/* A client that watches must not send anything more. */
		client->mode = CLIENT_GONE;
	} else if ((got = read(client->descriptor, client->line + client->filled, room)) > 0) {
		client->filled += (size_t)got;
		client_handle_requests(client);
	} else if (got == 0) {
		client->ended = true;
		event_del(client->readable);
		client_handle_requests(client);
	} else if (errno != EAGAIN && errno != EINTR) {
		client->mode = CLIENT_GONE;
	}
}

static void readable_cb(evutil_socket_t fd, short what, void *argument)
{
	struct client *client = argument;

	(void)fd;
	if (what & EV_TIMEOUT)
		client->mode = CLIENT_GONE;
	else
		client_read(client);
	client_sweep(client->control);
}

static void writable_cb(evutil_socket_t fd, short what, void *argument)
{
	struct client *client = argument;

	(void)fd;
	if (what & EV_TIMEOUT)
		client->mode = CLIENT_GONE;
	flush_queue(client);
	if (client->mode == CLIENT_LOG)
		send_log(client);
	client_sweep(client->control);
}

struct client *client_new(struct control *control, int descriptor, uint32_t uid)
{
	struct client *client = calloc(1, sizeof *client);

	if (client == NULL) {
		close(descriptor);
		return NULL;
	}
	client->control = control;
	client->descriptor = descriptor;
	client->uid = uid;
	client->queue = evbuffer_new();
	client->readable = event_new(control->base, descriptor, EV_READ | EV_PERSIST, readable_cb, client);
	client->writable = event_new(control->base, descriptor, EV_WRITE, writable_cb, client);
	if (client->queue == NULL || client->readable == NULL || client->writable == NULL ||
	    event_add(client->readable, &silent) == -1) {
		client_free(client);
		return NULL;
	}
	return client;
}

void client_free(struct client *client)
{
	if (client->readable != NULL)
		event_free(client->readable);
	if (client->writable != NULL)
		event_free(client->writable);
	if (client->queue != NULL)
		evbuffer_free(client->queue);
	close(client->descriptor);
	free(client);
}

void client_sweep(struct control *control)
{
	for (size_t i = 0; i < CONTROL_CLIENTS; i++) {
		if (control->clients[i] != NULL && control->clients[i]->mode == CLIENT_GONE) {
			client_free(control->clients[i]);
			control->clients[i] = NULL;
		}
	}
}
