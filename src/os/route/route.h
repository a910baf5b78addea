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
	bool four, six;                    /* route_prove, shut: of these families all shall lead nowhere */
};

/* Brings the kernel to exactly that, and reads back. What is there already stays as it is. 0, or -1 and `e`;
 * while shut a family that the kernel lacks is none to be shut. Blocks for the kernel only, well under a
 * millisecond. */
int route_assert(const struct route_desired *desired, struct err *e);

/* The machine's own routes lead to the endpoint by `way` now, while the routes into the tunnel stand. Where
 * the endpoint has a route of its own past the tunnel, it follows; elsewhere it does by itself. 0, or -1 and
 * `e`. */
int route_follow(const struct net_address *endpoint, const struct wire_way *way, struct err *e);

/* Is it so, by the kernel's own word? Our rules and routes stand. And while open: what a program sends goes
 * into the tunnel, from the tunnel's address, which stands on the device alone; what comes back is this
 * machine's; what openvpn sends to the endpoint does not go by the device; the device is up and has its MTU.
 * Nothing is sent for it. Blocks for the kernel only; if it does not take a new IPv6 address for its own yet,
 * 50 ms at most. 0, or -1 and `e` (not NULL): what is wrong, by name. */
int route_prove(const struct route_desired *desired, struct err *e);

/* Is there a way to the endpoint for openvpn? Where there is none, the network has gone: no fault of ours. */
bool route_reaches(const struct route_desired *desired);

/* Somebody else may have changed what route_prove looks at; called from `base`'s loop, once for a burst.
 * `who`: whose hand it was, for a text; "" if that is not known. 0, or -1 and `e`. */
struct event_base;
typedef void route_foreign_fn(const char *who, void *argument);
int route_watch(struct event_base *base, route_foreign_fn *foreign, void *argument, struct err *e);

/* Removes all of it, whoever of us made it. 0, also if there was nothing; or -1 and `e`. */
int route_remove(struct err *e);

#endif
