/* What the device ports of macOS and of FreeBSD share with each other; nobody else includes it. */
#ifndef OS_ROUTE_DEVICE_BSD_H
#define OS_ROUTE_DEVICE_BSD_H

#include "base/err.h"
#include "base/wire_channel.h"

/* ifconfig of the device `name`, once for each of these lines (tunnel_words.h). 0, or -1 and `e`. */
int device_bsd_configure(const char *name, const char *lines, struct err *e);

/* MTU, addresses, then up, of a device that may be set. As device_set. */
int device_bsd_set(const struct wire_tunnel *tunnel, struct err *e);

#endif
