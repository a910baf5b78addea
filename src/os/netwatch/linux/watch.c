/* The network port on Linux, by rtnetlink: watching and reading. */
#include <errno.h>
#include <event2/event.h>
#include <libmnl/libmnl.h>
#include <linux/if.h>
#include <linux/if_arp.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/text.h"
#include "os/host/clock.h"
#include "os/netwatch/linux/decode.h"
#include "os/netwatch/linux/netlink.h"
#include "os/netwatch/linux/request.h"
#include "os/netwatch/netwatch.h"
#include "os/netwatch/prefixes.h"

enum { KNOWN_LINKS = 1024, DATAGRAMS_A_TURN = 64, WATCH_BUFFER = 4 * 1024 * 1024 };

/* After each report all links and all chains are read anew. So the first link that comes is reported at once,
 * and those that follow it together, when none has come for CAME_MS. A link that went needs no chain, so its
 * report may wait longer. None waits longer than the second number. */
enum { CAME_MS = 50, CAME_MAX_MS = 250, WENT_MS = 500, WENT_MAX_MS = 10000 };

/* The last state of a link, to know what its next message changes. */
struct known {
	unsigned index; /* 0: a free place */
	char name[NET_NAME_SIZE];
	bool up, running, tun, seen;
};

struct netwatch {
	struct netwatch_events events;
	struct netlink *netlink;
	struct event *readable, *due;
	int64_t reported_at, came_at, went_at; /* of clock_steady_ms; the first that waits, 0: none does */
	struct known known[KNOWN_LINKS];
	bool links_changed, links_went, worth_a_try, ways_changed;
};

static bool is_tun(const struct rtnl_link *link)
{
	return strcmp(link->driver, "tun") == 0 && !link->tap && link->type == ARPHRD_NONE;
}

static struct known *find_known(struct netwatch *watch, unsigned index)
{
	for (size_t i = 0; i < KNOWN_LINKS; i++) {
		if (watch->known[i].index == index)
			return &watch->known[i];
	}
	return NULL;
}

static void report_lost(struct netwatch *watch, const char *name, unsigned index)
{
	char copy[NET_NAME_SIZE];

	text_copy(copy, sizeof copy, name);
	watch->events.lost(copy, index, watch->events.argument);
}

static void link_gone(struct netwatch *watch, const struct rtnl_link *link)
{
	struct known *known = find_known(watch, link->index);

	if (known != NULL)
		memset(known, 0, sizeof *known);
	watch->links_went = watch->ways_changed = true;
	report_lost(watch, link->name, link->index);
}

/* No place left: then each message of that link is reported as if all had changed. */
static void link_unknown(struct netwatch *watch, const struct rtnl_link *link)
{
	watch->links_changed = watch->worth_a_try = watch->ways_changed = true;
	if ((link->flags & IFF_UP) == 0)
		report_lost(watch, link->name, link->index);
}

static void link_is(struct netwatch *watch, const struct rtnl_link *link)
{
	struct known *known = find_known(watch, link->index), before;

	if (known == NULL && (known = find_known(watch, 0)) == NULL) {
		link_unknown(watch, link);
		return;
	}
	before = *known;
	known->index = link->index;
	known->up = (link->flags & IFF_UP) != 0;
	known->running = (link->flags & IFF_LOWER_UP) != 0;
	known->tun = is_tun(link);
	known->seen = true;
	text_copy(known->name, sizeof known->name, link->name);
	if (before.index == 0 || strcmp(before.name, link->name) != 0)
		watch->links_changed = true;
	if (!known->tun && (known->running != before.running || known->up != before.up))
		watch->ways_changed = true;
	if (known->tun && before.running && !known->running) { /* nobody holds it open any more */
		watch->links_changed = true;
		watch->came_at = watch->reported_at = 0; /* and that waits for no storm */
	}
	if (known->running && known->up && !(before.running && before.up) && !known->tun)
		watch->worth_a_try = true;
	/* A renamed link is lost too: whoever knew it by its name no longer does. */
	if (before.index != 0 && ((before.up && !known->up) || strcmp(before.name, link->name) != 0))
		report_lost(watch, before.name, before.index);
}

/* Our own tunnel's addresses and routes come because we are connected. */
static bool is_of_tun(struct netwatch *watch, unsigned index)
{
	const struct known *known = index == 0 ? NULL : find_known(watch, index);

	return known != NULL && known->tun;
}

static void address_changed(struct netwatch *watch, const struct rtnl_message *message)
{
	if (is_of_tun(watch, message->address.index))
		return;
	watch->ways_changed = true;
	if (netwatch_is_prefix(&(struct net_prefix){message->address.address, 128}))
		watch->links_changed = true;
	if (!message->gone)
		watch->worth_a_try = true;
}

static void route_changed(struct netwatch *watch, const struct rtnl_message *message)
{
	const struct rtnl_route *route = &message->route;

	if (is_of_tun(watch, route->link) || route->type != RTN_UNICAST)
		return;
	watch->ways_changed = true;
	if (route->gateway.family == NET_NONE && route->destination.length > 0 &&
	    netwatch_is_prefix(&route->destination))
		watch->links_changed = true;
	if (route->destination.length == 0 && !message->gone)
		watch->worth_a_try = true;
}

static int note_message(const struct rtnl_message *message, void *argument)
{
	struct netwatch *watch = argument;

	if (message->kind == RTNL_LINK && message->gone)
		link_gone(watch, &message->link);
	else if (message->kind == RTNL_LINK)
		link_is(watch, &message->link);
	else if (message->kind == RTNL_ADDRESS)
		address_changed(watch, message);
	else if (message->kind == RTNL_ROUTE)
		route_changed(watch, message);
	else if (message->kind == RTNL_PREFIX64 && !is_of_tun(watch, message->prefix64.index))
		watch->events.prefix64(&message->prefix64.prefix, message->prefix64.seconds,
				       message->prefix64.index, watch->events.argument);
	return 0;
}

static void forget_seen(void *argument)
{
	struct netwatch *watch = argument;

	for (size_t i = 0; i < KNOWN_LINKS; i++)
		watch->known[i].seen = false;
}

/* Reads all links anew: at the start, and when messages were lost. */
static int read_links(struct netwatch *watch, struct err *e)
{
	struct rtnl *rtnl = rtnl_open(e);
	int result;

	if (rtnl == NULL)
		return -1;
	forget_seen(watch);
	result = rtnl_dump(rtnl, RTM_GETLINK, NET_NONE, note_message, forget_seen, watch, e);
	rtnl_close(rtnl);
	if (result == -1)
		return -1;
	for (size_t i = 0; i < KNOWN_LINKS; i++) {
		struct known gone = watch->known[i];

		if (gone.index == 0 || gone.seen)
			continue;
		memset(&watch->known[i], 0, sizeof gone);
		report_lost(watch, gone.name, gone.index);
	}
	watch->links_changed = watch->worth_a_try = watch->ways_changed = true;
	return 0;
}

/* Messages were lost and the kernel does not answer: nothing is known, so all
 * that was up counts as lost. */
static void lose_everything(struct netwatch *watch)
{
	for (size_t i = 0; i < KNOWN_LINKS; i++) {
		struct known gone = watch->known[i];

		memset(&watch->known[i], 0, sizeof gone);
		if (gone.index != 0 && gone.up)
			report_lost(watch, gone.name, gone.index);
	}
	watch->links_changed = watch->worth_a_try = watch->ways_changed = true;
}

static void decode_message(const struct nlmsghdr *message, void *argument)
{
	(void)rtnl_decode(message, message->nlmsg_len, note_message, argument);
}

static void read_messages(struct netwatch *watch)
{
	/* What was lost or torn may have been anything. */
	if (!netlink_receive_all(watch->netlink, DATAGRAMS_A_TURN, decode_message, watch) &&
	    read_links(watch, NULL) == -1)
		lose_everything(watch);
}

static void report_links(struct netwatch *watch)
{
	watch->came_at = watch->went_at = 0;
	evtimer_del(watch->due);
	watch->events.links(watch->events.argument);
	watch->reported_at = clock_steady_ms();
}

static void due_cb(evutil_socket_t descriptor, short what, void *argument)
{
	(void)descriptor;
	(void)what;
	report_links(argument);
}

/* Another one to wait for: so long again, but not beyond `end`. */
static void wait_for_more(struct netwatch *watch, int64_t now, int64_t quiet, int64_t end)
{
	int64_t left = end - now < quiet ? end - now : quiet;
	const struct timeval time = clock_timeval(left > 0 ? left : 0);

	evtimer_add(watch->due, &time);
}

static void gather_links(struct netwatch *watch, int64_t now)
{
	if (watch->links_changed && watch->came_at == 0 && now - watch->reported_at >= CAME_MS) {
		report_links(watch);
	} else if (watch->links_changed) {
		watch->came_at = watch->came_at == 0 ? now : watch->came_at;
		wait_for_more(watch, now, CAME_MS, watch->came_at + CAME_MAX_MS);
	} else if (watch->links_went && watch->came_at == 0) {
		watch->went_at = watch->went_at == 0 ? now : watch->went_at;
		wait_for_more(watch, now, WENT_MS, watch->went_at + WENT_MAX_MS);
	}
	watch->links_changed = watch->links_went = false;
}

static void readable_cb(evutil_socket_t descriptor, short what, void *argument)
{
	struct netwatch *watch = argument;

	(void)descriptor;
	(void)what;
	read_messages(watch);
	gather_links(watch, clock_steady_ms());
	if (watch->worth_a_try) {
		watch->worth_a_try = false;
		watch->events.reachable(watch->events.argument);
	}
	if (watch->ways_changed) {
		watch->ways_changed = false;
		watch->events.ways(watch->events.argument);
	}
}

static int join(struct netwatch *watch, struct err *e)
{
	static const int groups[] = {RTNLGRP_LINK,       RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR,
				     RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE,  RTNLGRP_ND_USEROPT};

	watch->netlink = netlink_open(NETLINK_ROUTE, 0, WATCH_BUFFER);
	if (watch->netlink == NULL)
		return err_errno(e, "watching the network");
	for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++)
		if (netlink_join(watch->netlink, groups[i]) == -1)
			return err_errno(e, "watching the network");
	return 0;
}

static void nothing(void *argument)
{
	(void)argument;
}

static void nothing_lost(const char *name, unsigned index, void *argument)
{
	(void)name;
	(void)index;
	(void)argument;
}

struct netwatch *netwatch_open(struct event_base *base, const struct netwatch_events *events, struct err *e)
{
	struct netwatch *watch = calloc(1, sizeof *watch);

	if (watch == NULL) {
		err_errno(e, "watching the network");
		return NULL;
	}
	watch->events = (struct netwatch_events){
	    .links = nothing, .reachable = nothing, .ways = nothing, .lost = nothing_lost};
	/* Joined first and read afterwards, so that a change in between comes as a message. */
	if (join(watch, e) == -1 || read_links(watch, e) == -1)
		goto fail;
	watch->links_changed = watch->links_went = watch->worth_a_try = watch->ways_changed = false;
	watch->events = *events;
	watch->reported_at = clock_steady_ms() - CAME_MS;
	watch->readable =
	    event_new(base, netlink_fd(watch->netlink), EV_READ | EV_PERSIST, readable_cb, watch);
	watch->due = evtimer_new(base, due_cb, watch);
	if (watch->readable == NULL || watch->due == NULL || event_add(watch->readable, NULL) == -1) {
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
	if (watch->due != NULL)
		event_free(watch->due);
	netlink_close(watch->netlink);
	free(watch);
}

struct filling {
	struct situation *s;
	const char *tunnel;
	unsigned index[SITUATION_LINKS]; /* of s->links */
	struct err *e;
};

static void refill(void *argument)
{
	struct filling *filling = argument;

	filling->s->link_count = filling->s->neighbour_count = 0;
	filling->s->links_left_out = false;
}

static int fill_link(const struct rtnl_message *message, void *argument)
{
	struct filling *filling = argument;
	struct situation *s = filling->s;

	if (message->kind != RTNL_LINK || (message->link.flags & IFF_LOOPBACK) != 0 ||
	    (strcmp(message->link.name, filling->tunnel) == 0 && is_tun(&message->link)))
		return 0;
	if (s->link_count == SITUATION_LINKS) {
		s->links_left_out = true;
		return 0;
	}
	filling->index[s->link_count] = message->link.index;
	text_copy(s->links[s->link_count++], NET_NAME_SIZE, message->link.name);
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

static int fill_address(const struct rtnl_message *message, void *argument)
{
	struct net_prefix own = {message->address.address, 128};

	if (message->kind != RTNL_ADDRESS || own.address.family != NET_IPV6 ||
	    !is_physical(argument, message->address.index))
		return 0;
	netwatch_add_prefix(((struct filling *)argument)->s, &own);
	return 0;
}

static int fill_route(const struct rtnl_message *message, void *argument)
{
	const struct rtnl_route *route = &message->route;

	if (message->kind != RTNL_ROUTE || route->family != NET_IPV6 || route->type != RTN_UNICAST ||
	    route->gateway.family != NET_NONE || route->multipath ||
	    route->destination.length < NETWATCH_ON_LINK_MIN || !is_physical(argument, route->link))
		return 0;
	netwatch_add_prefix(((struct filling *)argument)->s, &route->destination);
	return 0;
}

static void refill_neighbours(void *argument)
{
	struct filling *filling = argument;

	filling->s->neighbour_count = 0;
}

int netwatch_fill(struct situation *s, const char *tunnel, struct err *e)
{
	struct filling filling = {.s = s, .tunnel = tunnel != NULL ? tunnel : s->tunnel.name, .e = e};
	struct rtnl *rtnl = rtnl_shared(e);

	if (rtnl == NULL)
		return -1;
	refill(&filling);
	if (rtnl_dump(rtnl, RTM_GETLINK, NET_NONE, fill_link, refill, &filling, e) != 0 ||
	    rtnl_dump(rtnl, RTM_GETADDR, NET_IPV6, fill_address, refill_neighbours, &filling, e) != 0)
		return rtnl_shared_result(-1);
	return rtnl_shared_result(rtnl_dump(rtnl, RTM_GETROUTE, NET_IPV6, fill_route, NULL, &filling, e));
}

static int check_address(struct rtnl *rtnl, const char *name, unsigned index,
			 const struct net_address *address, struct err *e)
{
	char text[NET_ADDRESS_TEXT];
	int has;

	if (address == NULL || address->family == NET_NONE)
		return 0;
	if ((has = rtnl_shared_result(rtnl_has_address(rtnl, index, address, e))) == -1)
		return -1;
	return has ? 0 : err_set(e, "%s does not have %s", name, net_address_text(address, text));
}

/* Carrier is what a TUN device has while a process holds it open. */
static int check_tun(const struct rtnl_link *link, struct err *e)
{
	if (!is_tun(link))
		return err_set(e, "%s is not a TUN device", link->name);
	if ((link->flags & IFF_UP) == 0)
		return err_set(e, "%s is down", link->name);
	if ((link->flags & IFF_LOWER_UP) == 0)
		return err_set(e, "%s: no process holds it open", link->name);
	return 0;
}

int netwatch_tunnel(const char *name, const struct net_address *address4, const struct net_address *address6,
		    unsigned *index, struct err *e)
{
	struct rtnl *rtnl = rtnl_shared(e);
	struct rtnl_link link;
	int found;

	if (rtnl == NULL)
		return -1;
	found = rtnl_link_by_name(rtnl, name, &link, e);
	if (found == 1)
		return err_set(e, "%s does not exist", name);
	if (rtnl_shared_result(found) == -1 || check_tun(&link, e) == -1 ||
	    check_address(rtnl, name, link.index, address4, e) == -1 ||
	    check_address(rtnl, name, link.index, address6, e) == -1)
		return -1;
	*index = link.index;
	return 0;
}
