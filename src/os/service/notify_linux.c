/* The notify port on Linux: datagrams to systemd, as sd_notify(3) documents them. */
#include "os/service/notify.h"

#include <event2/event.h>
#include <fcntl.h>
#include <limits.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/text.h"

enum { MESSAGE_SIZE = 512, MICRO = 1000000 };

static int channel = -1;

/* A path, or with @ a name of the abstract kind. */
static int reach(const char *name)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	size_t length = strlen(name);
	int fd;

	if ((name[0] != '/' && name[0] != '@') || length >= sizeof to.sun_path)
		return -1;
	memcpy(to.sun_path, name, length);
	if (name[0] == '@')
		to.sun_path[0] = '\0';
	if ((fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) == -1)
		return -1;
	if (connect(fd, (struct sockaddr *)&to,
		    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length)) == 0)
		return fd;
	close(fd);
	return -1;
}

/* A message that the manager has no room for is left out: the next one says it again. */
static void send_message(const char *message)
{
	if (channel != -1)
		(void)send(channel, message, strlen(message), MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void alive_cb(evutil_socket_t fd, short what, void *argument)
{
	(void)fd, (void)what, (void)argument;
	send_message("WATCHDOG=1");
}

/* Microseconds between signs of life that the manager wants from this process; 0 none. */
static uint64_t watchdog(void)
{
	const char *wanted = getenv("WATCHDOG_USEC"), *whose = getenv("WATCHDOG_PID");
	uint64_t interval = 0, pid = (uint64_t)getpid();

	if (wanted == NULL || text_number(wanted, 1, INT64_MAX, &interval) == -1)
		return 0;
	if (whose != NULL && (text_number(whose, 1, INT32_MAX, &pid) == -1 || pid != (uint64_t)getpid()))
		return 0;
	return interval;
}

void notify_begin(struct event_base *base)
{
	const char *name = getenv("NOTIFY_SOCKET");
	uint64_t half = watchdog() / 2;
	struct timeval interval = {.tv_sec = (time_t)(half / MICRO), .tv_usec = (suseconds_t)(half % MICRO)};
	struct event *alive;

	if (name == NULL || (channel = reach(name)) == -1 || half == 0)
		return;
	if ((alive = event_new(base, -1, EV_PERSIST, alive_cb, NULL)) != NULL)
		event_add(alive, &interval);
}

void notify_state(bool protecting, const char *state, const char *why)
{
	char message[MESSAGE_SIZE];
	size_t used = 0;

	text_append(message, sizeof message, &used, "%sSTATUS=%s: %s", protecting ? "READY=1\n" : "", state,
		    why);
	/* A line end would begin another assignment. */
	for (char *at = message + (protecting ? sizeof "READY=1" : 0); *at != '\0'; at++)
		if (*at == '\n')
			*at = ' ';
	send_message(message);
}
