/* The route port on macOS and FreeBSD: what it has set last, for the proof and the watch. */
#ifndef OS_ROUTE_ROUTE_BSD_H
#define OS_ROUTE_ROUTE_BSD_H

#include <stdbool.h>

#include "os/netwatch/bsd/facts.h"
#include "os/route/tunnel_words.h"

struct route_standing {
	unsigned index; /* of the tunnel's device; 0: nothing stands */
	struct wire_tunnel tunnel;
	struct net_endpoint towards;
	struct tunnel_way way;         /* the endpoint's own, */
	bool away;                     /* and since then there was none */
	char lines[TUNNEL_WORDS_SIZE]; /* for route(8) */
};

struct route_standing *route_standing(void);

/* The kernel's routes of both families. The caller gives them to route_lists_release, also after a failure.
 */
struct route_lists {
	struct route_buffer four, six;
};
int route_lists_read(struct route_lists *lists, struct err *e);
void route_lists_release(struct route_lists *lists);

/* Is the route of these words of a line there? One that is not into the device is not looked at. */
bool route_line_stands(const struct route_lists *lists, const char *const *words, size_t count);

#endif
