/* Any bytes from a control client, in pieces of any size, through the real socket. */
#include <event2/event.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "driver/control_client.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool refresh(void *argument)
{
	return (++*(unsigned *)argument & 1) != 0;
}

static char *status(void *argument)
{
	(void)argument;
	return strdup("{\"gate\":\"locked\"}");
}

/* One client on one end of a pair; the other end never answers. */
static void play(struct event_base *base, struct control *control, const uint8_t *data, size_t size)
{
	int pair[2];
	char sink[4096];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) == -1)
		abort();
	control->clients[0] = client_new(control, pair[0], 0);
	while (size > 0) {
		size_t piece = 1 + data[0] % 200u;

		if (piece > size)
			piece = size;
		if (send(pair[1], data, piece, MSG_NOSIGNAL | MSG_DONTWAIT) <= 0)
			break;
		data += piece;
		size -= piece;
		event_base_loop(base, EVLOOP_NONBLOCK);
		control_changed(control);
		control_refreshed(control);
		while (recv(pair[1], sink, sizeof sink, MSG_DONTWAIT) > 0)
			;
	}
	close(pair[1]);
	event_base_loop(base, EVLOOP_NONBLOCK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static unsigned asked;
	static const struct control_events events = {refresh, status, &asked};
	static int log = -1, listener;
	struct event_base *base = event_base_new();
	struct control *control;

	if (log == -1) {
		log = memfd_create("log", 0);
		listener = socket(AF_UNIX, SOCK_STREAM, 0);
		if (write(log, "a line\nanother \xff\n", 18) == -1)
			abort();
	}
	control = base != NULL ? control_new(base, listener, log, &events) : NULL;
	if (control == NULL)
		abort();
	play(base, control, data, size);
	control_free(control);
	event_base_free(base);
	return 0;
}
