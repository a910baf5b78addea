/* The network port on Linux, by rtnetlink: what we change. */
#include <linux/if.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "base/text.h"
#include "os/netwatch/linux/decode.h"
#include "os/netwatch/linux/request.h"
#include "os/netwatch/netwatch.h"
#include "os/netwatch/set_down.h"

enum { LINKS_MAX = 128, ROUTES_MAX = 16 };

struct collected_links {
	struct rtnl_link links[LINKS_MAX];
	size_t count;
	bool too_many;
};

static void collect_no_links(void *argument)
{
	((struct collected_links *)argument)->count = 0;
}

static int collect_link(const struct rtnl_message *message, void *argument)
{
	struct collected_links *collected = argument;

	if (message->kind != RTNL_LINK || (message->link.flags & IFF_LOOPBACK) != 0 ||
	    (message->link.flags & IFF_UP) == 0)
		return 0;
	if (collected->count == LINKS_MAX)
		collected->too_many = true;
	else
		collected->links[collected->count++] = message->link;
	return 0;
}

int netwatch_links_down(struct err *e)
{
	struct rtnl *rtnl = rtnl_open(e);
	struct collected_links collected = {.count = 0};
	int result = -1;

	if (rtnl == NULL)
		return -1;
	if (rtnl_dump(rtnl, RTM_GETLINK, NET_NONE, collect_link, collect_no_links, &collected, e) == 0)
		result = 0;
	for (size_t i = 0; i < collected.count; i++) {
		if (rtnl_link_set_up(rtnl, &collected.links[i], false, e) == -1)
			result = -1;
		else if (set_down_remember(collected.links[i].name) == -1)
			result = err_set(e, "%s: set down, but not remembered", collected.links[i].name);
	}
	if (collected.too_many)
		result = err_set(e, "more than %d links are up: not all were set down", LINKS_MAX);
	rtnl_close(rtnl);
	return result;
}

/* What went away meanwhile is forgotten. */
static int set_up(void *rtnl, const char *name, struct err *e)
{
	struct rtnl_link link;
	int found = rtnl_link_by_name(rtnl, name, &link, e);

	return found == 1 ? 0 : found == 0 ? rtnl_link_set_up(rtnl, &link, true, e) : -1;
}

int netwatch_links_restore(struct err *e)
{
	struct rtnl *rtnl = rtnl_open(e);
	int result = rtnl == NULL ? -1 : set_down_restore(set_up, rtnl, e);

	rtnl_close(rtnl);
	return result;
}

struct collected_routes {
	struct net_address to;
	struct rtnl_route routes[ROUTES_MAX];
	size_t count;
};

static void collect_no_routes(void *argument)
{
	((struct collected_routes *)argument)->count = 0;
}

/* Only what an openvpn writes: a host route in the main table, one gateway or
 * none, made by a program (boot) or an administrator (static), never by DHCP,
 * a router's advertisement or a routing daemon. */
static int collect_route(const struct rtnl_message *message, void *argument)
{
	struct collected_routes *collected = argument;
	const struct rtnl_route *route = &message->route;
	uint8_t host = route->family == NET_IPV4 ? 32 : 128;

	if (message->kind != RTNL_ROUTE || route->destination.length != host ||
	    !net_address_equal(&route->destination.address, &collected->to) ||
	    route->table != RT_TABLE_MAIN || route->type != RTN_UNICAST || route->multipath ||
	    (route->protocol != RTPROT_BOOT && route->protocol != RTPROT_STATIC) || route->link == 0)
		return 0;
	if (collected->count < ROUTES_MAX)
		collected->routes[collected->count++] = *route;
	return 0;
}

static int clean_routes(struct rtnl *rtnl, const struct net_address *to, struct err *e)
{
	struct collected_routes collected = {.to = *to};
	int result;

	result = rtnl_dump(rtnl, RTM_GETROUTE, to->family, collect_route, collect_no_routes, &collected, e);
	for (size_t i = 0; i < collected.count; i++) {
		if (rtnl_route_delete(rtnl, &collected.routes[i], e) == -1)
			result = -1;
	}
	return result;
}

int netwatch_clean(const struct net_endpoint *endpoint, struct err *e)
{
	struct rtnl *rtnl = rtnl_open(e);
	int result = rtnl == NULL ? -1 : 0;

	if (result == 0 && endpoint->address.family != NET_NONE)
		result = clean_routes(rtnl, &endpoint->address, e);
	rtnl_close(rtnl);
	return result;
}
