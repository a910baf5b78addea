/* The control socket: who may connect, and how much each client may use. */
#include "driver/control.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "driver/control_client.h"
#include "os/host/clock.h"
#include "os/process/descriptor.h"
#include "os/process/peer.h"

enum { ACCEPT_TURN = 16, PAUSE_MS = 100 };

static void refuse_client(int descriptor, const char *json)
{
	/* One short line fits into an empty socket's buffer; it is not sent again. */
	if (write(descriptor, json, strlen(json)) == -1)
		log_debug("driver", "a refused control client has already disconnected");
	close(descriptor);
}

/* A free place for one more client of `uid`; CONTROL_CLIENTS: none. The last places
 * are reserved for root. */
static size_t find_place(const struct control *control, uint32_t uid)
{
	size_t place = CONTROL_CLIENTS, same_user = 0, others = 0;

	for (size_t i = CONTROL_CLIENTS; i-- > 0;) {
		if (control->clients[i] == NULL) {
			place = i;
			continue;
		}
		same_user += control->clients[i]->uid == uid;
		others += control->clients[i]->uid != 0;
	}
	if (same_user >= CONTROL_PER_USER || (uid != 0 && others >= CONTROL_CLIENTS - CONTROL_FOR_ROOT))
		return CONTROL_CLIENTS;
	return place;
}

/* Frees the places of clients that have hung up, before the loop gets to them. */
static void read_ends(struct control *control)
{
	for (size_t i = 0; i < CONTROL_CLIENTS; i++) {
		if (control->clients[i] != NULL)
			client_read(control->clients[i]);
	}
	client_sweep(control);
}

static void admit_client(struct control *control, int descriptor)
{
	struct peer peer;
	size_t place;

	if (peer_of(descriptor, &peer) == -1 || !peer_is_allowed(&peer, control->gid)) {
		refuse_client(descriptor,
			      "{\"error\":\"not allowed: the status is only for root and the group in "
			      "control { group }\"}\n");
		return;
	}
	if ((place = find_place(control, peer.uid)) == CONTROL_CLIENTS) {
		read_ends(control);
		place = find_place(control, peer.uid);
	}
	if (place == CONTROL_CLIENTS)
		refuse_client(descriptor,
			      "{\"error\":\"too many connections to the control socket are open; "
			      "instead: end some, such as portcullis watch, or connect as root\"}\n");
	else
		control->clients[place] = client_new(control, descriptor, peer.uid);
}

/* No descriptor is left: the reserved one is used to accept a client and refuse it, so
 * that the listener does not spin; then accepting pauses. */
static void out_of_descriptors(struct control *control)
{
	static const struct timeval pause = {.tv_usec = PAUSE_MS * 1000};
	int descriptor;

	if (control->reserve != -1) {
		close(control->reserve);
		if ((descriptor = descriptor_accept(control->listener)) != -1)
			refuse_client(descriptor, "{\"error\":\"no descriptor is left; try again\"}\n");
	}
	control->reserve = dup(control->listener);
	if (limit_allows(&control->complaints, (uint64_t)clock_steady_ms(), NULL))
		log_warn("driver", "no descriptor is left for control clients");
	event_del(control->acceptable);
	evtimer_add(control->resume, &pause);
}

static void acceptable_cb(evutil_socket_t fd, short what, void *argument)
{
	struct control *control = argument;

	(void)what;
	for (int turn = 0; turn < ACCEPT_TURN; turn++) {
		int descriptor = descriptor_accept(fd);

		if (descriptor == -1) {
			if (errno == EMFILE || errno == ENFILE)
				out_of_descriptors(control);
			return;
		}
		admit_client(control, descriptor);
	}
}

static void resume_cb(evutil_socket_t fd, short what, void *argument)
{
	struct control *control = argument;

	(void)fd, (void)what;
	event_add(control->acceptable, NULL);
}

struct control *control_new(struct event_base *base, int listener, int log,
			    const struct control_events *events)
{
	struct control *control = calloc(1, sizeof *control);

	if (control == NULL)
		return NULL;
	control->base = base;
	control->events = *events;
	control->listener = listener;
	control->log = log;
	control->reserve = dup(listener);
	control->acceptable = event_new(base, listener, EV_READ | EV_PERSIST, acceptable_cb, control);
	control->resume = evtimer_new(base, resume_cb, control);
	control->poll_log = evtimer_new(base, client_poll_log_cb, control);
	if (control->acceptable == NULL || control->resume == NULL || control->poll_log == NULL) {
		control_free(control);
		return NULL;
	}
	return control;
}

void control_free(struct control *control)
{
	struct event *events[] = {control->acceptable, control->resume, control->poll_log};

	for (size_t i = 0; i < CONTROL_CLIENTS; i++) {
		if (control->clients[i] != NULL)
			client_free(control->clients[i]);
	}
	for (size_t i = 0; i < sizeof events / sizeof *events; i++) {
		if (events[i] != NULL)
			event_free(events[i]);
	}
	if (control->reserve != -1)
		close(control->reserve);
	free(control->last_status);
	free(control);
}

void control_start(struct control *control, int64_t gid)
{
	control->gid = gid;
	event_add(control->acceptable, NULL);
}

void control_refreshed(struct control *control)
{
	for (size_t i = 0; i < CONTROL_CLIENTS; i++) {
		struct client *client = control->clients[i];

		if (client == NULL || client->mode != CLIENT_WAITS)
			continue;
		client->mode = CLIENT_READY;
		client_send_status(client);
		client_handle_requests(client);
	}
	client_sweep(control);
}

void control_changed(struct control *control)
{
	char *line = NULL;

	for (size_t i = 0; i < CONTROL_CLIENTS; i++) {
		if (control->clients[i] == NULL || control->clients[i]->mode != CLIENT_WATCHES)
			continue;
		if (line == NULL) {
			line = control->events.status(control->events.argument);
			if (line == NULL ||
			    (control->last_status != NULL && strcmp(line, control->last_status) == 0))
				break;
		}
		client_send(control->clients[i], line);
	}
	/* Without a watcher there is none: who watches later was sent another one meanwhile. */
	free(control->last_status);
	control->last_status = line;
	client_sweep(control);
}
