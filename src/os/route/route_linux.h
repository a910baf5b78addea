/* The route port on Linux: what it has set last, for the watch that checks whether it stays; and its socket,
 * for the proof. */
#ifndef OS_ROUTE_ROUTE_LINUX_H
#define OS_ROUTE_ROUTE_LINUX_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "os/netwatch/linux/netlink.h"
#include "os/route/plan.h"

struct route_standing {
	uint32_t sender; /* our own netlink address; 0: none yet */
	unsigned index;  /* of the tunnel's device, while open; else 0 */
	struct net_address address4, address6;
};

const struct route_standing *route_standing(void);

/* As netlink_request, on the port's own socket, opened if need be. 0, or an errno. */
int route_request(struct nlmsghdr *message, netlink_message_fn *each, void *argument);

/* Do the kernel's rules and our table say what is planned, and nothing else? 0; or -1 and `e`: what is
 * missing or too much. A family that the kernel lacks has none, and that is an error only if `needed`. */
int route_stands(const struct route_plan *plan, bool needed, struct err *e);

/* The priority of the first rule of somebody else that is asked before ours have had their say; -1: none. */
int64_t route_foreign_rule(uint8_t family);

#endif
