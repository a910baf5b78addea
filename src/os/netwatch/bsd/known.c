/* What is known of the links by route messages, and what each one changes. */
#include "os/netwatch/bsd/known.h"

#include <string.h>

#include "base/text.h"
#include "os/netwatch/prefixes.h"

bool route_is_tunnel(const struct route_layout *layout, const struct route_link *link)
{
	size_t length = strlen(layout->tunnel);
	uint64_t unit;

	return link->type == layout->tunnel_type &&
	       (link->flags & layout->tunnel_flags) == layout->tunnel_flags &&
	       (link->flags & LINK_LOOPBACK) == 0 && strncmp(link->name, layout->tunnel, length) == 0 &&
	       text_number(link->name + length, 0, INT32_MAX, &unit) == 0;
}

bool route_leads_out(const struct route_link *link)
{
	return (link->flags & LINK_LOOPBACK) == 0 && strncmp(link->name, "pflog", 5) != 0;
}

static struct route_link *find_link(struct route_links *links, unsigned index)
{
	for (size_t i = 0; i < links->count; i++) {
		if (links->list[i].index == index)
			return &links->list[i];
	}
	return NULL;
}

static void report_lost(const struct route_link *link, struct route_news *news)
{
	struct route_link copy = *link; /* the list may change meanwhile */

	news->lost(copy.name, copy.index, news->argument);
}

static bool works(const struct route_link *link)
{
	return (link->flags & LINK_UP) != 0 && link->carrier;
}

bool route_carries(const struct route_links *known, unsigned index)
{
	for (size_t i = 0; i < known->count; i++) {
		if (known->list[i].index == index)
			return works(&known->list[i]);
	}
	return false;
}

static bool update_link(struct route_links *known, const struct route_link *link, struct route_news *news)
{
	struct route_link *before = find_link(known, link->index);

	news->ways = true;
	if (before != NULL && (before->flags & LINK_UP) != 0 && (link->flags & LINK_UP) == 0) {
		before->flags &= ~(uint32_t)LINK_UP;
		report_lost(before, news);
	}
	return true;
}

static bool heard_announcement(struct route_links *known, const struct route_message *message,
			       struct route_news *news)
{
	struct route_link *before = find_link(known, message->announced);

	if (message->gone && before != NULL) {
		struct route_link gone = *before;

		*before = known->list[--known->count];
		news->links = news->ways = true;
		report_lost(&gone, news);
	}
	return true;
}

/* Our own tunnel's addresses and routes come because we are connected. */
static bool is_of_tunnel(struct route_links *known, const struct route_layout *layout, unsigned index)
{
	const struct route_link *link = find_link(known, index);

	return link != NULL && route_is_tunnel(layout, link);
}

/* On macOS a link that goes away says so by its addresses only. */
static bool heard_address(struct route_links *known, const struct route_layout *layout,
			  const struct route_message *message, struct route_news *news)
{
	if (!is_of_tunnel(known, layout, message->address.index)) {
		news->links |= message->address.address.family == NET_IPV6;
		news->reachable |= !message->gone;
		news->ways = true;
	}
	return message->gone || find_link(known, message->address.index) == NULL;
}

static void heard_route(struct route_links *known, const struct route_layout *layout,
			const struct route_message *message, struct route_news *news)
{
	const struct route_route *route = &message->route;
	bool on_link = (route->flags & (ROUTE_GATEWAY | ROUTE_HOST)) == 0;

	/* An answer to anybody's question goes to all: also to ours. */
	if (message->answer || is_of_tunnel(known, layout, route->index))
		return;
	news->ways |= (route->flags & ROUTE_NEIGHBOUR) == 0;
	news->links |= on_link && route->destination.address.family == NET_IPV6 &&
		       route->destination.length >= NETWATCH_ON_LINK_MIN;
	news->reachable |= route->destination.length == 0 && !message->gone;
}

bool route_update(struct route_links *known, const struct route_layout *layout,
		  const struct route_message *message, struct route_news *news)
{
	switch (message->kind) {
	case ROUTE_LINK:
		return update_link(known, &message->link, news);
	case ROUTE_ANNOUNCE:
		return heard_announcement(known, message, news);
	case ROUTE_ADDRESS:
		return heard_address(known, layout, message, news);
	case ROUTE_ROUTE:
		heard_route(known, layout, message, news);
		return false;
	case ROUTE_OTHER:
		return false;
	}
	return false;
}

/* A renamed link is lost too: whoever knew it by its name no longer does. */
static bool is_lost(const struct route_link *before, const struct route_link *after)
{
	return after == NULL || strcmp(before->name, after->name) != 0 ||
	       ((before->flags & LINK_UP) != 0 && (after->flags & LINK_UP) == 0);
}

void route_compare(struct route_links *known, const struct route_layout *layout,
		   const struct route_links *now, struct route_news *news)
{
	struct route_links before = *known;

	*known = *now;
	news->ways = true;
	/* What is not watched may have changed each time. */
	news->links |= now->more;
	for (size_t i = 0; i < before.count; i++) {
		const struct route_link *link = &before.list[i], *after = find_link(known, link->index);

		news->links |= after == NULL || strcmp(link->name, after->name) != 0;
		if (is_lost(link, after))
			report_lost(link, news);
	}
	for (size_t i = 0; i < now->count; i++) {
		const struct route_link *link = &now->list[i], *past = find_link(&before, link->index);

		news->links |= past == NULL;
		news->reachable |=
		    works(link) && (past == NULL || !works(past)) && !route_is_tunnel(layout, link);
	}
}

void route_forget(struct route_links *known, struct route_news *news)
{
	struct route_links before = *known;

	known->count = 0;
	news->links = news->reachable = news->ways = true;
	for (size_t i = 0; i < before.count; i++) {
		if ((before.list[i].flags & LINK_UP) != 0)
			report_lost(&before.list[i], news);
	}
}
