/* What the buffers of sysctl(CTL_NET, PF_ROUTE) answer. Pure. Each function that
 * returns an int: 0, or -1 and `e`; a torn buffer is an error. */
#ifndef OS_NETWATCH_BSD_FACTS_H
#define OS_NETWATCH_BSD_FACTS_H

#include <stddef.h>

#include "base/err.h"
#include "base/wire_way.h"
#include "os/netwatch/bsd/known.h"
#include "policy/situation.h"

/* As NET_RT_IFLIST or NET_RT_DUMP filled it. */
struct route_buffer {
	void *bytes;
	size_t length;
};

/* All links of an interface list. */
int route_links(const struct route_layout *layout, struct route_buffer interfaces, struct route_links *links,
		struct err *e);

/* netwatch_fill: by the interface list and the IPv6 routes. */
int route_fill(const struct route_layout *layout, struct route_buffer interfaces, struct route_buffer routes,
	       const char *tunnel, struct situation *s, struct err *e);

/* netwatch_tunnel: by the interface list. */
int route_tunnel(const struct route_layout *layout, struct route_buffer interfaces, const char *name,
		 const struct net_address *address4, const struct net_address *address6, unsigned *index,
		 struct err *e);

/* netwatch_way: by the interface list and the routes of the address' family. Routes by `tunnel`, and a host
 * route to `to` itself, which follows the others, do not count. 1, 0 or -1. */
int route_way(const struct route_layout *layout, struct route_buffer interfaces, struct route_buffer routes,
	      const char *tunnel, const struct net_address *to, struct wire_way *way, struct err *e);
bool route_has_address(const struct route_layout *layout, struct route_buffer interfaces, unsigned index,
		       const struct net_address *address);

/* Host routes to `to` that a program set. At most `max` of them in `found`; *count says how many. */
int route_leftovers(const struct route_layout *layout, struct route_buffer routes,
		    const struct net_address *to, struct route_route *found, size_t max, size_t *count,
		    struct err *e);

#endif
