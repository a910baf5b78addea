/* admin_socket: gate.sock, for root's commands. One request of fixed size, one answer, then the
 * connection is closed; the driver is not involved. */
#include "gate/channel.h"
#include "gate/gate.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/secret.h"
#include "base/text.h"
#include "base/wire_admin.h"
#include "gate/admin_socket.h"
#include "gate/files.h"
#include "gate/portal/hole.h"
#include "gate/reload.h"
#include "os/host/off_marker.h"
#include "os/process/descriptor.h"
#include "os/process/peer.h"

enum { CLIENTS = 8, CLIENT_SECONDS = 2, PAUSE_MAX_SECONDS = 31 * 86400 };

struct client {
	struct gate *gate;
	struct event *readable;
	size_t filled;
	struct wire_admin_request request;
};

static struct client clients[CLIENTS];

static void client_close(struct client *client)
{
	evutil_socket_t fd = event_get_fd(client->readable);

	event_free(client->readable);
	client->readable = NULL;
	secret_wipe_bytes(&client->request, sizeof client->request);
	close(fd);
}

/* Dispatches root's command as an event, and notifies the driver. -1 and `e` if the command has not taken
 * effect, or if no lock is in force. */
static int apply_request(struct gate *gate, enum gate_event event, const char *name, struct err *e)
{
	enum gate_desired desired = gate_desired_cell(gate->state.desired, event)->next;
	const char *refusal = gate_refusal(gate->state, event);
	char why[WIRE_TEXT];
	size_t used = 0;
	int result;

	if (refusal != NULL)
		return err_set(e, "%s", refusal);
	text_append(why, sizeof why, &used, "%s, by root's command", name);
	result = gate_dispatch(gate, event, why, NULL);
	if (event == EVENT_UP || event == EVENT_DOWN)
		files_save_intent(gate);
	if (event == EVENT_RECONNECT)
		channel_reconnect(gate, why);
	else
		channel_notify(gate, NOTE_INTENT, why);
	if (result == 0 || (gate->state.desired == desired && gate->state.actual != ACTUAL_UNPROTECTED))
		return 0;
	return err_set(e, "%s can't be carried out: see the log", name);
}

static int request_up(struct gate *gate, struct err *e)
{
	return off_marker_clear(e) == -1 ? -1 : apply_request(gate, EVENT_UP, "up", e);
}

static int request_pause(struct gate *gate, uint32_t seconds, struct err *e)
{
	if (seconds == 0 || seconds > PAUSE_MAX_SECONDS)
		return err_set(e, "a pause lasts from 1 s to 31 days");
	gate->pause_seconds = seconds;
	return apply_request(gate, EVENT_PAUSE, "pause", e);
}

static int request_off(struct gate *gate, bool persist, struct err *e)
{
	gate->off_persist = persist;
	return apply_request(gate, EVENT_OFF, "off", e);
}

static int request_login(struct gate *gate, const char *answer, struct err *e)
{
	if (memchr(answer, '\0', WIRE_ANSWER) == NULL || answer[0] == '\0')
		return err_set(e, "the answer is empty, or longer than %d bytes", WIRE_ANSWER - 1);
	if (gate->driver.pid == 0)
		return err_set(e, "the driver does not run at present; instead: try again");
	channel_answer(gate, answer);
	return 0;
}

/* 0, and `e` may say what was done; or -1, and `e` says why nothing was. */
static int serve_request(struct gate *gate, const struct wire_admin_request *request, struct err *e)
{
	if (request->version != WIRE_VERSION)
		return err_set(
		    e, "portcullis and portcullisd have different versions; instead: install both together");
	switch ((enum wire_admin)request->verb) {
	case ADMIN_UP:
		return request_up(gate, e);
	case ADMIN_DOWN:
		return apply_request(gate, EVENT_DOWN, "down", e);
	case ADMIN_RECONNECT:
		return apply_request(gate, EVENT_RECONNECT, "reconnect", e);
	case ADMIN_PAUSE:
		return request_pause(gate, request->seconds, e);
	case ADMIN_RESUME:
		return apply_request(gate, EVENT_RESUME, "resume", e);
	case ADMIN_OFF:
		return request_off(gate, request->persist != 0, e);
	case ADMIN_RELOAD:
		return reload(gate, e);
	case ADMIN_PORTAL:
		return portal_request(gate, request, e);
	case ADMIN_LOGIN:
		return request_login(gate, request->answer, e);
	default:
		return err_set(e, "there is no verb %u", request->verb);
	}
}

static void client_cb(evutil_socket_t fd, short what, void *argument)
{
	struct client *client = argument;
	struct wire_admin_answer answer = {.version = WIRE_VERSION};
	struct err e = {""};
	ssize_t got;

	if (what & EV_TIMEOUT) {
		client_close(client);
		return;
	}
	got = recv(fd, (char *)&client->request + client->filled, sizeof client->request - client->filled,
		   MSG_DONTWAIT);
	if (got == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got > 0 && (client->filled += (size_t)got) < sizeof client->request)
		return;
	if (got > 0) {
		answer.refused = serve_request(client->gate, &client->request, &e) == -1;
		answer.gate = gate_shown(client->gate);
		answer.group = client->gate->situation.portal.group.number;
		text_copy(answer.text, sizeof answer.text, e.text[0] != '\0' ? e.text : client->gate->reason);
		send(fd, &answer, sizeof answer, MSG_DONTWAIT | MSG_NOSIGNAL);
	}
	client_close(client);
}

/* openvpn may run as root, but it talks to the network: here neither it nor a program that it starts
 * counts as root. */
static bool is_openvpn(const struct gate *gate, const struct peer *peer)
{
	return peer->gid == gate->config.openvpn_group.number ||
	       (gate->attempt.pid != 0 && peer->pid == gate->attempt.pid);
}

static void accept_cb(evutil_socket_t listener, short what, void *argument)
{
	static const struct timeval patience = {.tv_sec = CLIENT_SECONDS};
	struct gate *gate = argument;
	struct client *client = NULL;
	struct peer peer;
	int fd = descriptor_accept(listener);

	(void)what;
	if (fd == -1)
		return;
	for (size_t i = 0; i < CLIENTS && client == NULL; i++) {
		if (clients[i].readable == NULL)
			client = &clients[i];
	}
	if (client == NULL || peer_of(fd, &peer) == -1 || !peer_is_allowed(&peer, -1) ||
	    is_openvpn(gate, &peer)) {
		close(fd);
		return;
	}
	client->gate = gate;
	client->filled = 0;
	client->readable = event_new(gate->base, fd, EV_READ | EV_PERSIST, client_cb, client);
	event_add(client->readable, &patience);
}

int admin_socket_open(struct gate *gate, struct err *e)
{
	gate->admin_event = event_new(gate->base, gate->admin_fd, EV_READ | EV_PERSIST, accept_cb, gate);
	if (gate->admin_event == NULL || event_add(gate->admin_event, NULL) == -1)
		return err_set(e, "gate.sock can't be watched");
	return 0;
}
