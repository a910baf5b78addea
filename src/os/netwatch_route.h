/* What the files of the network port on macOS and the BSDs share. */
#ifndef OS_NETWATCH_ROUTE_H
#define OS_NETWATCH_ROUTE_H

#include "base/err.h"
#include "os/netwatch_route_facts.h"

/* sysctl(CTL_NET, PF_ROUTE): NET_RT_IFLIST or NET_RT_DUMP, family AF_UNSPEC,
 * AF_INET or AF_INET6. The caller gives the buffer to route_release. 0, or -1 and
 * `e`. Doesn't block. */
int route_dump(int what, int family, struct route_buffer *buffer, struct err *e);
void route_release(struct route_buffer *buffer);

/* The device of a killed openvpn, if one is left under this name and nobody
 * holds it: it goes. netwatch_route_macos.c, netwatch_route_freebsd.c. 0, or -1 and `e`. */
int route_device_clean(const char *name, struct err *e);

#endif
