/* What the local network says of itself: its router and its resolvers. */
#ifndef CTL_PORTAL_RESOLVERS_H
#define CTL_PORTAL_RESOLVERS_H

#include <stddef.h>

#include "base/net.h"

enum { PORTAL_RESOLVERS = 3 }; /* as many as libc asks */

/* The IPv4 router of the first default route in the text of /proc/net/route; NET_NONE: none. Pure. */
struct net_address portal_router(const char *routes);

/* Adds what the text of a resolv.conf names, but only private addresses, each once, up to PORTAL_RESOLVERS;
 * nobody else is asked. The new count. Pure. */
size_t portal_add_resolvers(const char *text, struct net_address *to, size_t count);

/* Is it in one of row 16's ranges? */
bool portal_is_private(const struct net_address *address);

/* The resolvers that DHCP or the administrator told this machine of, then the router; and *router. How many.
 */
size_t portal_resolvers(struct net_address to[static PORTAL_RESOLVERS], struct net_address *router);

#endif
