/* The route port: routes and rules of the gate's own, where the platform has them. They lead into the tunnel
 * while it is open, and nowhere while it is not: a second wall behind the firewall's. */
#ifndef OS_ROUTE_ROUTE_H
#define OS_ROUTE_ROUTE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/wire_channel.h"
#include "policy/situation.h"

/* What they follow from. */
struct route_desired {
	const struct situation *situation; /* endpoint, local network, LAN-side links, DHCP client's user */
	uint32_t openvpn;                  /* its user: the only one that goes as if there were no gate */
	const struct wire_tunnel *tunnel;  /* checked; NULL: shut */
	unsigned index;                    /* of its device */
	bool redirect;                     /* all goes into it, not only what its routes name */
};

/* Brings the kernel to exactly that, and reads back. What is there already stays as it is. 0, or -1 and `e`;
 * while shut a family that the kernel lacks is none to be shut. Blocks for the kernel only, well under a
 * millisecond. */
int route_assert(const struct route_desired *desired, struct err *e);

/* The machine's own routes lead to the endpoint by `way` now, while the routes into the tunnel stand. Where
 * the endpoint has a route of its own past the tunnel, it follows; elsewhere it does by itself. 0, or -1 and
 * `e`. */
int route_follow(const struct net_address *endpoint, const struct wire_way *way, struct err *e);

/* Somebody else changed these routes or rules, or the tunnel's device: its addresses, its MTU, down. Called
 * from `base`'s loop, once for a burst. The receiver sets the device and asserts again. 0, or -1 and `e`. */
struct event_base;
typedef void route_foreign_fn(void *argument);
int route_watch(struct event_base *base, route_foreign_fn *foreign, void *argument, struct err *e);

/* Removes all of it, whoever of us made it. 0, also if there was nothing; or -1 and `e`. */
int route_remove(struct err *e);

#endif
