/* What the buffers of sysctl(CTL_NET, PF_ROUTE) answer. */
#include "os/netwatch/bsd/facts.h"

#include <string.h>

#include "base/text.h"
#include "os/netwatch/prefixes.h"

static int walk(const struct route_layout *layout, struct route_buffer buffer, route_message_fn *each,
		void *argument, struct err *e)
{
	return route_decode(layout, buffer.bytes, buffer.length, each, argument) == 0
		   ? 0
		   : err_set(e, "%s: the kernel's list of links or routes is not valid", layout->name);
}

static int add_link(const struct route_message *message, void *argument)
{
	struct route_links *links = argument;

	if (message->kind != ROUTE_LINK)
		return 0;
	if (links->count == ROUTE_LINKS)
		links->more = true;
	else
		links->list[links->count++] = message->link;
	return 0;
}

int route_links(const struct route_layout *layout, struct route_buffer interfaces, struct route_links *links,
		struct err *e)
{
	links->count = 0;
	links->more = false;
	return walk(layout, interfaces, add_link, links, e);
}

struct filling {
	const struct route_layout *layout;
	const char *tunnel;
	struct situation *s;
	unsigned index[SITUATION_LINKS]; /* of s->links */
	bool nameless;
};

static int fill_link(const struct route_message *message, void *argument)
{
	struct filling *filling = argument;
	const struct route_link *link = &message->link;
	struct situation *s = filling->s;

	if (message->kind != ROUTE_LINK || !route_leads_out(link) ||
	    (strcmp(link->name, filling->tunnel) == 0 && route_is_tunnel(filling->layout, link)))
		return 0;
	if (link->name[0] == '\0') {
		filling->nameless = true;
		return 0;
	}
	if (s->link_count == SITUATION_LINKS) {
		s->links_left_out = true;
		return 0;
	}
	filling->index[s->link_count] = link->index;
	text_copy(s->links[s->link_count++], NET_NAME_SIZE, link->name);
	return 0;
}

static bool is_physical(const struct filling *filling, unsigned index)
{
	for (size_t i = 0; i < filling->s->link_count; i++) {
		if (filling->index[i] == index)
			return true;
	}
	return false;
}

static int fill_address(const struct route_message *message, void *argument)
{
	struct filling *filling = argument;
	struct net_prefix own = {message->address.address, 128};

	if (message->kind == ROUTE_ADDRESS && own.address.family == NET_IPV6 &&
	    is_physical(filling, message->address.index))
		netwatch_add_prefix(filling->s, &own);
	return 0;
}

static int fill_route(const struct route_message *message, void *argument)
{
	struct filling *filling = argument;
	const struct route_route *route = &message->route;
	const uint32_t none = ROUTE_GATEWAY | ROUTE_HOST | ROUTE_REJECT | ROUTE_BLACKHOLE | ROUTE_DYNAMIC;

	if (message->kind == ROUTE_ROUTE && route->destination.address.family == NET_IPV6 &&
	    (route->flags & (none | filling->layout->made)) == 0 && (route->flags & ROUTE_UP) != 0 &&
	    route->gateway.family == NET_NONE && route->destination.length >= NETWATCH_ON_LINK_MIN &&
	    is_physical(filling, route->index))
		netwatch_add_prefix(filling->s, &route->destination);
	return 0;
}

int route_fill(const struct route_layout *layout, struct route_buffer interfaces, struct route_buffer routes,
	       const char *tunnel, struct situation *s, struct err *e)
{
	struct filling filling = {.layout = layout, .tunnel = tunnel, .s = s};

	s->link_count = s->neighbour_count = 0;
	s->links_left_out = false;
	if (walk(layout, interfaces, fill_link, &filling, e) == -1 ||
	    walk(layout, interfaces, fill_address, &filling, e) == -1 ||
	    walk(layout, routes, fill_route, &filling, e) == -1)
		return -1;
	return filling.nameless ? err_set(e, "a link has a name that rules can't contain; instead: rename it")
				: 0;
}

struct checking {
	const char *name;
	const struct net_address *address4, *address6;
	struct route_link link; /* index 0: not found */
	bool has4, has6;
};

static bool is_wanted(const struct net_address *address)
{
	return address != NULL && address->family != NET_NONE;
}

/* A link comes before its addresses. */
static int check_message(const struct route_message *message, void *argument)
{
	struct checking *checking = argument;
	const struct net_address *address = &message->address.address;

	if (message->kind == ROUTE_LINK && strcmp(message->link.name, checking->name) == 0)
		checking->link = message->link;
	if (message->kind != ROUTE_ADDRESS || message->address.index != checking->link.index)
		return 0;
	checking->has4 |= is_wanted(checking->address4) && net_address_equal(address, checking->address4);
	checking->has6 |= is_wanted(checking->address6) && net_address_equal(address, checking->address6);
	return 0;
}

int route_tunnel(const struct route_layout *layout, struct route_buffer interfaces, const char *name,
		 const struct net_address *address4, const struct net_address *address6, unsigned *index,
		 struct err *e)
{
	struct checking checking = {.name = name, .address4 = address4, .address6 = address6};
	char text[NET_ADDRESS_TEXT];

	if (walk(layout, interfaces, check_message, &checking, e) == -1)
		return -1;
	if (checking.link.index == 0)
		return err_set(e, "%s does not exist", name);
	if (!route_is_tunnel(layout, &checking.link))
		return err_set(e, "%s is not a TUN device", name);
	if ((checking.link.flags & LINK_UP) == 0)
		return err_set(e, "%s is down", name);
	if ((checking.link.flags & LINK_RUNNING) == 0)
		return err_set(e, "%s: no process holds it open", name);
	if (is_wanted(address4) && !checking.has4)
		return err_set(e, "%s does not have %s", name, net_address_text(address4, text));
	if (is_wanted(address6) && !checking.has6)
		return err_set(e, "%s does not have %s", name, net_address_text(address6, text));
	*index = checking.link.index;
	return 0;
}

struct collecting {
	const struct route_layout *layout;
	const struct net_address *to;
	struct route_route *found;
	size_t max, count;
};

/* Only what an openvpn writes: a route to one address, set by a program (static),
 * not by a router's word and not what the kernel remembers of a neighbour. */
static int collect_route(const struct route_message *message, void *argument)
{
	struct collecting *collecting = argument;
	const struct route_route *route = &message->route;
	uint8_t host = route->destination.address.family == NET_IPV4 ? 32 : 128;

	if (message->kind != ROUTE_ROUTE || route->destination.length != host ||
	    !net_address_equal(&route->destination.address, collecting->to) ||
	    (route->flags & ROUTE_STATIC) == 0 ||
	    (route->flags & (ROUTE_DYNAMIC | ROUTE_NEIGHBOUR | collecting->layout->made)) != 0)
		return 0;
	if (collecting->count < collecting->max)
		collecting->found[collecting->count++] = *route;
	return 0;
}

int route_leftovers(const struct route_layout *layout, struct route_buffer routes,
		    const struct net_address *to, struct route_route *found, size_t max, size_t *count,
		    struct err *e)
{
	struct collecting collecting = {layout, to, found, max, 0};
	int result = walk(layout, routes, collect_route, &collecting, e);

	*count = collecting.count;
	return result;
}

struct leading {
	const struct route_layout *layout;
	const char *tunnel;
	const struct net_address *to;
	unsigned tunnel_index; /* 0: there is none */
	struct route_route best;
	bool found;
	struct net_address local;
};

static int find_tunnel(const struct route_message *message, void *argument)
{
	struct leading *leading = argument;

	if (message->kind == ROUTE_LINK && strcmp(message->link.name, leading->tunnel) == 0)
		leading->tunnel_index = message->link.index;
	return 0;
}

static int find_leading(const struct route_message *message, void *argument)
{
	struct leading *leading = argument;
	const struct route_route *route = &message->route;
	const struct net_prefix *to = &route->destination;
	const uint32_t no_way = ROUTE_REJECT | ROUTE_BLACKHOLE | ROUTE_NEIGHBOUR;

	if (message->kind != ROUTE_ROUTE || message->gone || (route->flags & ROUTE_UP) == 0 ||
	    (route->flags & (no_way | leading->layout->made | leading->layout->scoped)) != 0 ||
	    route->index == leading->tunnel_index || to->address.family != leading->to->family ||
	    net_address_equal(&to->address, leading->to) || !net_prefix_contains(to, leading->to))
		return 0;
	if (!leading->found || to->length > leading->best.destination.length)
		leading->best = *route;
	leading->found = true;
	return 0;
}

/* The first one that leads further than the link. */
static int find_local(const struct route_message *message, void *argument)
{
	struct leading *leading = argument;
	const struct net_address *address = &message->address.address;

	if (message->kind == ROUTE_ADDRESS && message->address.index == leading->best.index &&
	    leading->local.family == NET_NONE && address->family == leading->to->family &&
	    net_address_is_dialable(address))
		leading->local = *address;
	return 0;
}

int route_way(const struct route_layout *layout, struct route_buffer interfaces, struct route_buffer routes,
	      const char *tunnel, const struct net_address *to, struct wire_way *way, struct err *e)
{
	struct leading leading = {.layout = layout, .tunnel = tunnel, .to = to};

	memset(way, 0, sizeof *way);
	if (walk(layout, interfaces, find_tunnel, &leading, e) == -1 ||
	    walk(layout, routes, find_leading, &leading, e) == -1 ||
	    walk(layout, interfaces, find_local, &leading, e) == -1)
		return -1;
	if (!leading.found || leading.local.family == NET_NONE)
		return 0;
	way->local = leading.local;
	way->gateway = leading.best.gateway;
	way->link = leading.best.index;
	return 1;
}

struct searching {
	unsigned index;
	const struct net_address *address;
	bool found;
};

static int find_address(const struct route_message *message, void *argument)
{
	struct searching *searching = argument;

	searching->found |= message->kind == ROUTE_ADDRESS && message->address.index == searching->index &&
			    net_address_equal(&message->address.address, searching->address);
	return 0;
}

bool route_has_address(const struct route_layout *layout, struct route_buffer interfaces, unsigned index,
		       const struct net_address *address)
{
	struct searching searching = {index, address, false};

	return walk(layout, interfaces, find_address, &searching, NULL) == 0 && searching.found;
}
