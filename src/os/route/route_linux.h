/* What the route port on Linux has set last, for the watch that checks whether it stays. */
#ifndef OS_ROUTE_ROUTE_LINUX_H
#define OS_ROUTE_ROUTE_LINUX_H

#include <stdint.h>

#include "base/net.h"

struct route_standing {
	uint32_t sender; /* our own netlink address; 0: none yet */
	unsigned index;  /* of the tunnel's device, while open; else 0 */
	uint16_t mtu;
	struct net_address address4, address6;
};

const struct route_standing *route_standing(void);

#endif
