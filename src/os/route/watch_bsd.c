/* Watches whether routes, addresses and the device stay as the gate has set them. */
#include <errno.h>
#include <event2/event.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/types.h>

#include <sys/socket.h>

#include <unistd.h>

#include "base/text.h"
#include "os/netwatch/bsd/route_socket.h"
#include "os/process/pid.h"
#include "os/route/evidence.h"
#include "os/route/route.h"
#include "os/route/route_bsd.h"

/* A socket that is full loses messages, and may not say so: whoever finds many may have lost some. That is
 * far more than the answers to one proof, which come here too. */
enum { WATCH_BUFFER = 256 * 1024, MESSAGES_A_TURN = 256, MANY = 32 };

struct watch {
	struct event *readable;
	route_foreign_fn *foreign;
	void *argument;
	bool changed, known; /* known: whose the message is */
	char who[96];
};

/* Of the gate's own tools none lives any more when this is read, and an ended process has no name. */
static void name(struct watch *watch, pid_t pid)
{
	struct pid_facts facts;
	size_t used = 0;

	if (watch->who[0] == '\0' && pid > 0 && pid != getpid() && pid_query(pid, &facts) == 0 &&
	    facts.running)
		(void)text_append(watch->who, sizeof watch->who, &used, "%s (process %" PRId32 ")",
				  facts.name, (int32_t)pid);
}

static int note_change(const struct route_message *message, void *argument)
{
	const struct route_standing *standing = route_standing();
	struct watch *watch = argument;

	if (!evidence_changed(route_layout_here, message, standing->index != 0 ? &standing->tunnel : NULL,
			      standing->index))
		return 0;
	watch->changed = true;
	if (watch->known)
		name(watch, message->pid);
	return 0;
}

static void changes_cb(evutil_socket_t socket, short what, void *argument)
{
	_Alignas(8) char bytes[ROUTE_MESSAGE_SIZE];
	struct watch *watch = argument;
	int count = 0;

	(void)what;
	watch->changed = false;
	watch->who[0] = '\0';
	for (; count < MESSAGES_A_TURN; count++) {
		ssize_t length = read(socket, bytes, sizeof bytes);

		if (length == -1 && errno == EAGAIN)
			break;
		watch->known = length > 0 && route_is_one(bytes, (size_t)length);
		/* ENOBUFS, or a torn message: something was missed. */
		if (length <= 0 ||
		    route_decode(route_layout_here, bytes, (size_t)length, note_change, watch) != 0)
			watch->changed = true;
	}
	if (watch->changed || count >= MANY)
		watch->foreign(watch->who, watch->argument);
}

/* For the daemon's life. */
int route_watch(struct event_base *base, route_foreign_fn *foreign, void *argument, struct err *e)
{
	struct watch *watch = calloc(1, sizeof *watch);
	int socket = watch == NULL ? -1 : route_socket(), size = WATCH_BUFFER;

	if (socket == -1)
		goto fail;
	(void)setsockopt(socket, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
	watch->foreign = foreign;
	watch->argument = argument;
	watch->readable = event_new(base, socket, EV_READ | EV_PERSIST, changes_cb, watch);
	if (watch->readable != NULL && event_add(watch->readable, NULL) == 0)
		return 0;
fail:
	err_errno(e, "the routes can't be watched");
	if (socket != -1)
		close(socket);
	free(watch);
	return -1;
}
