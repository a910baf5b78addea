/* The driver's end of the channel to the gate. */
#include "driver/gate_channel.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/secret.h"

struct gate_channel {
	struct event *readable;
	struct gate_channel_events events;
	int descriptor;
	size_t filled;
	struct wire_note_message note;
};

/* Both programs must be of one build; in the middle of an upgrade they are not. */
static void refuse_version(struct gate_channel *channel, const char *version)
{
	char why[WIRE_TEXT];

	snprintf(why, sizeof why,
		 "portcullisd has another version (%s) than this driver (" PORTCULLIS_VERSION
		 "); instead: install both together and restart portcullisd",
		 version);
	channel->events.end(why, channel->events.argument);
}

static void notes_cb(evutil_socket_t fd, short what, void *argument)
{
	struct gate_channel *channel = argument;
	struct wire_note_message *note = &channel->note;
	ssize_t got = read(fd, (char *)note + channel->filled, sizeof *note - channel->filled);

	(void)what;
	if (got == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got <= 0) {
		channel->events.end("the gate has closed its channel", channel->events.argument);
		return;
	}
	channel->filled += (size_t)got;
	/* Checked before the rest has arrived: messages of another build may be shorter. */
	if (channel->filled >= sizeof note->version && note->version != WIRE_VERSION) {
		refuse_version(channel, "another wire's");
		return;
	}
	if (channel->filled < sizeof *note)
		return;
	channel->filled = 0;
	/* Another build may leave a text without its terminator. */
	note->text[sizeof note->text - 1] = '\0';
	note->hello.gate_version[sizeof note->hello.gate_version - 1] = '\0';
	if (note->note == NOTE_HELLO && strcmp(note->hello.gate_version, PORTCULLIS_VERSION) != 0) {
		refuse_version(channel, note->hello.gate_version);
		return;
	}
	note->name.host[sizeof note->name.host - 1] = '\0';
	note->hello.profile_name[sizeof note->hello.profile_name - 1] = '\0';
	note->hello.interface[sizeof note->hello.interface - 1] = '\0';
	note->hello.username[sizeof note->hello.username - 1] = '\0';
	note->answer[sizeof note->answer - 1] = '\0';
	channel->events.note(note, channel->events.argument);
	secret_wipe_bytes(note->answer, sizeof note->answer);
}

struct gate_channel *gate_channel_new(struct event_base *base, int descriptor,
				      const struct gate_channel_events *events)
{
	struct gate_channel *channel = calloc(1, sizeof *channel);

	if (channel == NULL)
		return NULL;
	channel->events = *events;
	channel->descriptor = descriptor;
	channel->readable = event_new(base, descriptor, EV_READ | EV_PERSIST, notes_cb, channel);
	if (channel->readable == NULL || evutil_make_socket_nonblocking(descriptor) == -1 ||
	    event_add(channel->readable, NULL) == -1) {
		gate_channel_free(channel);
		return NULL;
	}
	return channel;
}

void gate_channel_free(struct gate_channel *channel)
{
	if (channel == NULL)
		return;
	if (channel->readable != NULL)
		event_free(channel->readable);
	free(channel);
}

void gate_channel_send(struct gate_channel *channel, enum wire_verb verb, const struct net_endpoint *endpoint,
		       const struct wire_tunnel *tunnel)
{
	struct wire_request request;

	memset(&request, 0, sizeof request);
	request.version = WIRE_VERSION;
	request.verb = verb;
	if (endpoint != NULL)
		request.endpoint = *endpoint;
	if (tunnel != NULL)
		request.tunnel = *tunnel;
	/* Only a few requests are pending at any time: if the channel is full, the gate hangs. */
	if (write(channel->descriptor, &request, sizeof request) != (ssize_t)sizeof request)
		channel->events.end("the gate accepts no messages", channel->events.argument);
}
