/* The network port on macOS and the BSDs: what we change. */
#include <errno.h>
#include <string.h>
#include <sys/types.h>

#include <sys/socket.h>

#include <net/if.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/text.h"
#include "os/netwatch/bsd/route_socket.h"
#include "os/netwatch/netwatch.h"
#include "os/netwatch/set_down.h"
#include "os/process/descriptor.h"

enum { ROUTES_MAX = 16, DELETE_SIZE = 512 };

static int open_probe(struct err *e)
{
	int probe = descriptor_socket(AF_LOCAL, SOCK_DGRAM, false);

	return probe == -1 ? err_errno(e, "setting links") : probe;
}

/* 0, also if it is gone already; or -1 and `e`. */
static int set_link(int probe, const char *name, bool up, struct err *e)
{
	struct ifreq request;

	memset(&request, 0, sizeof request);
	text_copy(request.ifr_name, sizeof request.ifr_name, name);
	if (ioctl(probe, SIOCGIFFLAGS, &request) == 0) {
		request.ifr_flags = (short)(up ? request.ifr_flags | IFF_UP : request.ifr_flags & ~IFF_UP);
		if (ioctl(probe, SIOCSIFFLAGS, &request) == 0)
			return 0;
	}
	if (errno == ENXIO)
		return 0;
	return err_errno(e, "%s: setting it %s", name, up ? "up" : "down");
}

static int read_up(struct route_links *links, struct err *e)
{
	struct route_buffer interfaces = {NULL, 0};
	size_t kept = 0;
	int result;

	if (route_dump(ROUTE_LIST_LINKS, &interfaces, e) == -1)
		return -1;
	result = route_links(route_layout_here, interfaces, links, e);
	route_release(&interfaces);
	for (size_t i = 0; i < links->count; i++) {
		if (route_leads_out(&links->list[i]) && (links->list[i].flags & LINK_UP) != 0)
			links->list[kept++] = links->list[i];
	}
	links->count = kept;
	return result;
}

int netwatch_links_down(struct err *e)
{
	static struct route_links links;
	int probe = open_probe(e), result = probe == -1 ? -1 : read_up(&links, e);

	for (size_t i = 0; probe != -1 && i < links.count; i++) {
		const char *name = links.list[i].name;

		if (set_link(probe, name, false, e) == -1)
			result = -1;
		else if (set_down_remember(name) == -1)
			result = err_set(e, "%s: set down, but not remembered", name);
	}
	if (probe != -1)
		close(probe);
	if (result == 0 && links.more)
		return err_set(e, "more than %d links are up: not all were set down", ROUTE_LINKS);
	return result;
}

static int set_up(void *probe, const char *name, struct err *e)
{
	return set_link(*(int *)probe, name, true, e);
}

int netwatch_links_restore(struct err *e)
{
	int probe = open_probe(e), result = -1;

	if (probe != -1) {
		result = set_down_restore(set_up, &probe, e);
		close(probe);
	}
	return result;
}

/* The kernel answers a write to a route socket by its result. */
static int remove_route(int socket, const struct route_route *route, uint32_t sequence, struct err *e)
{
	_Alignas(8) char message[DELETE_SIZE];
	size_t length = route_encode_delete(route_layout_here, route, sequence, message, sizeof message);
	char text[NET_PREFIX_TEXT];

	if (length != 0 && write(socket, message, length) == (ssize_t)length)
		return 0;
	if (length != 0 && errno == ESRCH)
		return 0;
	return err_errno(e, "removing the route to %s", net_prefix_text(&route->destination, text));
}

static int clean_routes(const struct net_address *to, struct err *e)
{
	struct route_route found[ROUTES_MAX];
	struct route_buffer routes = {NULL, 0};
	size_t count = 0;
	int socket, result;

	if (route_dump(to->family == NET_IPV4 ? ROUTE_LIST_IPV4 : ROUTE_LIST_IPV6, &routes, e) == -1)
		return -1;
	result = route_leftovers(route_layout_here, routes, to, found, ROUTES_MAX, &count, e);
	route_release(&routes);
	if (count == 0)
		return result;
	if ((socket = route_socket()) == -1)
		return err_errno(e, "removing routes");
	for (size_t i = 0; i < count; i++) {
		if (remove_route(socket, &found[i], (uint32_t)i + 1, e) == -1)
			result = -1;
	}
	close(socket);
	return result;
}

int netwatch_clean(const struct net_endpoint *endpoint, struct err *e)
{
	return endpoint->address.family != NET_NONE ? clean_routes(&endpoint->address, e) : 0;
}
