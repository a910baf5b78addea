/* door: gate.sock, by which root asks for what wants privilege. One request
 * of fixed size, one answer, closed; the driver has no part in it. */
#include "gate/channel.h"
#include "gate/gate.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/text.h"
#include "base/wire_door.h"
#include "gate/door.h"
#include "gate/files.h"
#include "os/host/off_marker.h"
#include "os/process/descriptor.h"
#include "os/process/peer.h"

enum { CLIENTS = 8, CLIENT_SECONDS = 2, PAUSE_MAX_SECONDS = 31 * 86400 };

struct client {
	struct gate *gate;
	struct event *readable;
	size_t filled;
	struct wire_door_request request;
};

static struct client clients[CLIENTS];

static void client_close(struct client *client)
{
	evutil_socket_t fd = event_get_fd(client->readable);

	event_free(client->readable);
	client->readable = NULL;
	close(fd);
}

/* The last word counts: a pause or an off that still waits for openvpn is forgotten. */
static void cancel(struct gate *gate)
{
	gate->pause_wanted = 0;
	gate->off_wanted = false;
}

static int up(struct gate *gate, struct err *e)
{
	bool was_off = gate->state == GATE_OFF;

	if (off_marker_clear(e) == -1)
		return -1;
	cancel(gate);
	gate->wish = WISH_UP;
	files_save_wish(gate);
	if (was_off) {
		gate_relink(gate);
		if (gate_flip(gate, GATE_LOCKED, "up, by root's command") == -1)
			return err_set(e, "the gate can't be locked: see the log");
	}
	gate_resume(gate, "up, by root's command");
	channel_note(gate, NOTE_WISH, "up, by root's command");
	return 0;
}

static int down(struct gate *gate)
{
	cancel(gate);
	gate->wish = WISH_DOWN;
	files_save_wish(gate);
	gate_resume(gate, "down, by root's command");
	attempt_leave(gate, "down, by root's command");
	channel_note(gate, NOTE_WISH, "down, by root's command");
	return 0;
}

static int reconnect(struct gate *gate, struct err *e)
{
	if (gate->state == GATE_OFF || gate->state == GATE_PAUSED || gate->wish == WISH_DOWN)
		return err_set(e, "the gate is %s and the tunnel is not wanted; instead: portcullis up",
			       wire_gate_word(gate->state));
	cancel(gate);
	attempt_leave(gate, "reconnect, by root's command");
	channel_reconnect(gate);
	return 0;
}

static int pause_gate(struct gate *gate, uint32_t seconds, struct err *e)
{
	if (seconds == 0 || seconds > PAUSE_MAX_SECONDS)
		return err_set(e, "a pause is 1 s to 31 days long");
	if (gate->state == GATE_OFF || gate->state == GATE_UNPROTECTED)
		return err_set(e, "the gate is %s; there is nothing to pause", wire_gate_word(gate->state));
	gate->pause_wanted = seconds;
	channel_note(gate, NOTE_WISH, "pause");
	if (gate->attempt.pid != 0) {
		attempt_leave(gate, "pause, by root's command");
		return 0;
	}
	gate_pause_begin(gate);
	return gate->state == GATE_PAUSED ? 0 : err_set(e, "the pause can't be set: see the log");
}

static int resume(struct gate *gate, struct err *e)
{
	if (gate->pause_wanted == 0 && gate->state != GATE_PAUSED)
		return err_set(e, "the gate is %s, not paused", wire_gate_word(gate->state));
	gate->pause_wanted = 0;
	gate_resume(gate, "resume, by root's command");
	channel_note(gate, NOTE_WISH, "resume");
	return 0;
}

static int off(struct gate *gate, bool persist, struct err *e)
{
	cancel(gate);
	gate->off_persist = persist;
	gate->off_wanted = true;
	channel_note(gate, NOTE_WISH, "off");
	if (gate->attempt.pid != 0) {
		attempt_leave(gate, "off, by root's command");
		return 0;
	}
	gate_off_begin(gate);
	return gate->state == GATE_OFF ? 0 : err_set(e, "the rules can't be removed: see the log");
}

int door_reload(struct gate *gate, struct err *e)
{
	if (vet_profile(&gate->config, &gate->profile, e) == -1)
		return -1;
	log_info("gate", "the profile is read again");
	driver_stop(gate);
	return 0;
}

static int carry_out(struct gate *gate, const struct wire_door_request *request, struct err *e)
{
	if (request->version != WIRE_VERSION)
		return err_set(e,
			       "portcullis and portcullisd are of different versions; install both together");
	switch ((enum wire_door)request->verb) {
	case DOOR_UP:
		return up(gate, e);
	case DOOR_DOWN:
		return down(gate);
	case DOOR_RECONNECT:
		return reconnect(gate, e);
	case DOOR_PAUSE:
		return pause_gate(gate, request->seconds, e);
	case DOOR_RESUME:
		return resume(gate, e);
	case DOOR_OFF:
		return off(gate, request->persist != 0, e);
	case DOOR_RELOAD:
		return door_reload(gate, e);
	default:
		return err_set(e, "there is no verb %u", request->verb);
	}
}

static void client_cb(evutil_socket_t fd, short what, void *argument)
{
	struct client *client = argument;
	struct wire_door_answer answer = {.version = WIRE_VERSION};
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
		answer.refused = carry_out(client->gate, &client->request, &e) == -1;
		answer.gate = client->gate->state;
		text_copy(answer.text, sizeof answer.text, answer.refused ? e.text : client->gate->reason);
		send(fd, &answer, sizeof answer, MSG_DONTWAIT | MSG_NOSIGNAL);
	}
	client_close(client);
}

/* It may run as root, but speaks with the network: it is not root here, nor is what it starts. */
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

int door_open(struct gate *gate, struct err *e)
{
	gate->door = event_new(gate->base, gate->door_fd, EV_READ | EV_PERSIST, accept_cb, gate);
	if (gate->door == NULL || event_add(gate->door, NULL) == -1)
		return err_set(e, "gate.sock can't be watched");
	return 0;
}
