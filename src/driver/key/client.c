/* The driver's end: requests out, answers in, one at a time. */
#include "driver/key/client.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/log.h"
#include "base/text.h"

struct key_client {
	struct event *readable;
	struct key_client_events events;
	struct key_answer answer;
	size_t filled;
	int descriptor;
	enum key_state state;
	unsigned asked; /* answers that are still to come */
	char lack[KEY_TEXT];
};

static void fail(struct key_client *client, const char *lack)
{
	struct key_answer answer = {.length = 0};

	client->state = KEY_LACKS;
	if (lack != client->lack)
		text_copy(client->lack, sizeof client->lack, lack);
	text_copy(answer.text, sizeof answer.text, lack);
	for (; client->asked > 0; client->asked--)
		client->events.answer(&answer, client->events.argument);
}

static void take_answer(struct key_client *client)
{
	struct key_answer *answer = &client->answer;

	answer->text[sizeof answer->text - 1] = '\0';
	if (answer->length > sizeof answer->signature)
		answer->length = 0;
	if (client->state == KEY_AWAITED) {
		client->state = answer->text[0] == '\0' ? KEY_READY : KEY_LACKS;
		text_copy(client->lack, sizeof client->lack, answer->text);
		if (answer->bare)
			log_warn("driver", "the memory that holds the private key can't be locked: it may be "
					   "written to swap");
		client->events.known(client->events.argument);
	} else if (client->asked > 0) {
		client->asked--;
		client->events.answer(answer, client->events.argument);
	}
}

static void answer_cb(evutil_socket_t fd, short what, void *argument)
{
	struct key_client *client = argument;
	ssize_t got =
	    read(fd, (char *)&client->answer + client->filled, sizeof client->answer - client->filled);

	(void)what;
	if (got == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got <= 0) {
		event_del(client->readable);
		fail(client, "the process that holds the private key has ended");
		client->events.known(client->events.argument);
		return;
	}
	client->filled += (size_t)got;
	if (client->filled < sizeof client->answer)
		return;
	client->filled = 0;
	take_answer(client);
}

struct key_client *key_client_new(struct event_base *base, int descriptor,
				  const struct key_client_events *events)
{
	struct key_client *client = calloc(1, sizeof *client);
	struct stat status;

	if (client == NULL)
		return NULL;
	client->descriptor = descriptor;
	client->events = *events;
	if (fstat(descriptor, &status) == -1 || !S_ISSOCK(status.st_mode))
		return client;
	client->state = KEY_AWAITED;
	client->readable = event_new(base, descriptor, EV_READ | EV_PERSIST, answer_cb, client);
	if (client->readable == NULL || event_add(client->readable, NULL) == -1) {
		key_client_free(client);
		return NULL;
	}
	return client;
}

void key_client_free(struct key_client *client)
{
	if (client == NULL)
		return;
	if (client->readable != NULL)
		event_free(client->readable);
	free(client);
}

enum key_state key_client_state(const struct key_client *client)
{
	return client->state;
}

const char *key_client_lack(const struct key_client *client)
{
	return client->lack;
}

void key_client_sign(struct key_client *client, const struct key_request *request)
{
	client->asked++;
	if (client->state == KEY_NONE)
		fail(client,
		     "openvpn asks for an external key, and none is configured; instead: set credentials { "
		     "key }");
	else if (client->state == KEY_LACKS)
		fail(client, client->lack);
	else if (io_write_all(client->descriptor, (const char *)request, sizeof *request) == -1)
		fail(client, "the process that holds the private key has ended");
}
