/* Which addresses show whether a plan is in force: the kernel's routing is asked about each. Pure. */
#ifndef OS_ROUTE_PROBES_H
#define OS_ROUTE_PROBES_H

#include <stddef.h>

#include "os/route/plan.h"

enum { PROBES_A_ROUTE = 2, PROBES_MAX = ROUTE_ENTRIES * PROBES_A_ROUTE + WIRE_SERVERS };

struct route_probe {
	struct net_address to;
	bool everywhere; /* all that no other entry names goes this way: ask for each kind of program */
};

/* Those that this plan leads into the tunnel: of each entry that does so an address or two, and each of the
 * server's resolvers. Never one of the tunnel's own ends. How many. */
size_t route_probes(const struct route_plan *plan, const struct wire_tunnel *tunnel,
		    struct route_probe probes[static PROBES_MAX]);

/* Those about which this plan has nothing but its last word. How many, at most PROBES_MAX. */
size_t route_probes_of_last_word(const struct route_plan *plan, struct route_probe probes[static PROBES_MAX]);

#endif
