/* The network port on macOS and the BSDs, by a route socket: watching and reading. */
#include "os/netwatch/bsd/route_socket.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include <sys/socket.h>

#include <net/if.h>
#include <unistd.h>

#include "os/netwatch/netwatch.h"

enum { MESSAGES_A_TURN = 256, WATCH_BUFFER = 256 * 1024 };

struct netwatch {
	struct netwatch_events events;
	int socket;
	struct event *readable;
	struct route_links known;
	struct route_news news;
};

static int read_links(struct route_links *links, struct err *e)
{
	struct route_buffer interfaces = {NULL, 0};
	int result;

	if (route_dump(ROUTE_LIST_LINKS, &interfaces, e) == -1)
		return -1;
	result = route_links(route_layout_here, interfaces, links, e);
	route_release(&interfaces);
	return result;
}

static void compare_links(struct netwatch *watch)
{
	static struct route_links now;

	if (read_links(&now, NULL) == -1)
		route_forget(&watch->known, &watch->news);
	else
		route_compare(&watch->known, route_layout_here, &now, &watch->news);
}

struct reading {
	struct netwatch *watch;
	bool read_anew;
};

static int on_message(const struct route_message *message, void *argument)
{
	struct reading *reading = argument;

	reading->read_anew |=
	    route_update(&reading->watch->known, route_layout_here, message, &reading->watch->news);
	return 0;
}

/* A socket that is full loses messages and may not say so; what it still holds
 * then makes us read the links anew, and that is what counts. */
static void read_messages(struct netwatch *watch)
{
	_Alignas(8) char bytes[ROUTE_MESSAGE_SIZE];
	struct reading reading = {.watch = watch};

	for (int i = 0; i < MESSAGES_A_TURN; i++) {
		ssize_t length = read(watch->socket, bytes, sizeof bytes);

		if (length == -1 && errno == EINTR)
			continue;
		if (length == -1 && errno == EAGAIN)
			break;
		if (length <= 0 ||
		    route_decode(route_layout_here, bytes, (size_t)length, on_message, &reading) == -1)
			reading.read_anew = true; /* ENOBUFS, or a torn message: something was missed */
	}
	if (reading.read_anew)
		compare_links(watch);
}

static void readable_cb(evutil_socket_t descriptor, short what, void *argument)
{
	struct netwatch *watch = argument;

	(void)descriptor;
	(void)what;
	read_messages(watch);
	if (watch->news.links) {
		watch->news.links = false;
		watch->events.links(watch->events.argument);
	}
	if (watch->news.reachable) {
		watch->news.reachable = false;
		watch->events.reachable(watch->events.argument);
	}
	if (watch->news.ways) {
		watch->news.ways = false;
		watch->events.ways(watch->events.argument);
	}
}

static int open_socket(struct netwatch *watch, struct err *e)
{
	int size = WATCH_BUFFER;

	watch->socket = route_socket();
	if (watch->socket == -1)
		return err_errno(e, "watching the network");
	(void)setsockopt(watch->socket, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
	return 0;
}

struct netwatch *netwatch_open(struct event_base *base, const struct netwatch_events *events, struct err *e)
{
	struct netwatch *watch = calloc(1, sizeof *watch);

	if (watch == NULL) {
		err_errno(e, "watching the network");
		return NULL;
	}
	watch->events = *events;
	watch->news.lost = events->lost;
	watch->news.argument = events->argument;
	/* Opened first and read afterwards, so that a change in between comes as a message. */
	if (open_socket(watch, e) == -1 || read_links(&watch->known, e) == -1)
		goto fail;
	watch->readable = event_new(base, watch->socket, EV_READ | EV_PERSIST, readable_cb, watch);
	if (watch->readable == NULL || event_add(watch->readable, NULL) == -1) {
		err_set(e, "watching the network: no event");
		goto fail;
	}
	return watch;
fail:
	netwatch_close(watch);
	return NULL;
}

void netwatch_close(struct netwatch *watch)
{
	if (watch == NULL)
		return;
	if (watch->readable != NULL)
		event_free(watch->readable);
	if (watch->socket != -1)
		close(watch->socket);
	free(watch);
}

int netwatch_fill(struct situation *s, const char *tunnel, struct err *e)
{
	struct route_buffer interfaces = {NULL, 0}, routes = {NULL, 0};
	int result = -1;

	if (route_dump(ROUTE_LIST_LINKS, &interfaces, e) == 0 && route_dump(ROUTE_LIST_IPV6, &routes, e) == 0)
		result = route_fill(route_layout_here, interfaces, routes,
				    tunnel != NULL ? tunnel : s->tunnel.name, s, e);
	route_release(&interfaces);
	route_release(&routes);
	return result;
}

int netwatch_tunnel(const char *name, const struct net_address *address4, const struct net_address *address6,
		    unsigned *index, struct err *e)
{
	struct route_buffer interfaces = {NULL, 0};
	int result;

	if (route_dump(ROUTE_LIST_LINKS, &interfaces, e) == -1)
		return -1;
	result = route_tunnel(route_layout_here, interfaces, name, address4, address6, index, e);
	route_release(&interfaces);
	return result;
}

unsigned netwatch_index(const char *name)
{
	return if_nametoindex(name);
}

int netwatch_way(const struct net_address *to, uint32_t user, const char *tunnel, struct wire_way *way,
		 struct err *e)
{
	struct route_buffer interfaces = {NULL, 0}, routes = {NULL, 0};
	int result = -1;

	(void)user; /* there are no routes by user */
	if (route_dump(ROUTE_LIST_LINKS, &interfaces, e) == 0 &&
	    route_dump(to->family == NET_IPV4 ? ROUTE_LIST_IPV4 : ROUTE_LIST_IPV6, &routes, e) == 0)
		result = route_way(route_layout_here, interfaces, routes, tunnel, to, way, e);
	route_release(&interfaces);
	route_release(&routes);
	return result;
}

bool netwatch_carries(unsigned link)
{
	static struct route_links links;

	return read_links(&links, NULL) == 0 && route_carries(&links, link);
}

bool netwatch_has_address(unsigned link, const struct net_address *address)
{
	struct route_buffer interfaces = {NULL, 0};
	bool has = route_dump(ROUTE_LIST_LINKS, &interfaces, NULL) == 0 &&
		   route_has_address(route_layout_here, interfaces, link, address);

	route_release(&interfaces);
	return has;
}

/* Nobody tells here what routers answer. */
void netwatch_solicit(unsigned link)
{
	(void)link;
}
