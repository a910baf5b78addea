/* Two links with one address: in words. */
#ifndef OS_ROUTE_TWIN_H
#define OS_ROUTE_TWIN_H

#include "base/err.h"
#include "base/net.h"

/* Says that `link` has the tunnel's address too, and what to do. Always -1. */
int route_twin(const struct net_address *address, const char *link, const char *device, struct err *e);

#endif
