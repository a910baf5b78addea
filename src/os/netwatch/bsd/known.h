/* What is known of the links by route messages, and what each one changes. Pure. */
#ifndef OS_NETWATCH_BSD_KNOWN_H
#define OS_NETWATCH_BSD_KNOWN_H

#include <stdbool.h>
#include <stddef.h>

#include "os/netwatch/bsd/decode.h"

enum { ROUTE_LINKS = 128 };

struct route_links {
	struct route_link list[ROUTE_LINKS];
	size_t count;
	bool more; /* than fit: those are not watched */
};

/* What is to be reported. `lost` is called at once, the two others are marked. */
struct route_news {
	bool links, reachable, ways;
	void (*lost)(const char *name, unsigned index, void *argument);
	void *argument;
};

/* "utun7", "tun7": a device of that kind by its name, shape and type. */
bool route_is_tunnel(const struct route_layout *layout, const struct route_link *link);

/* Neither loopback nor pf's own log device, by which nothing leaves. */
bool route_leads_out(const struct route_link *link);

/* Is that link up, with a carrier? */
bool route_carries(const struct route_links *known, unsigned index);

/* One message of the route socket. Returns true if the links must be read anew:
 * an event names none of them, and is lost without a word when its socket is
 * full, so it says only that something changed; but a link that goes down is
 * lost at once. */
bool route_update(struct route_links *known, const struct route_layout *layout,
		  const struct route_message *message, struct route_news *news);

/* The links as they are, read just now, take the place of those known. */
void route_compare(struct route_links *known, const struct route_layout *layout,
		   const struct route_links *now, struct route_news *news);

/* Nobody can say how the links are: all that were up are lost. */
void route_forget(struct route_links *known, struct route_news *news);

#endif
