/* The device port: the tunnel's device. The gate sets it, and makes it where openvpn then only opens it; on
 * macOS it is there as long as openvpn holds it, and making and removing it is nothing. */
#ifndef OS_ROUTE_DEVICE_H
#define OS_ROUTE_DEVICE_H

#include <stdint.h>

#include "base/err.h"
#include "base/wire_channel.h"

/* Makes the device `name`, down and without an address, for this user in this group alone to open. A name
 * that is taken is an error. 0, or -1 and `e`: then nothing is left. */
int device_make(const char *name, uint32_t uid, uint32_t gid, struct err *e);

/* MTU, addresses, then up; nothing else of the device changes. An address that another link has too is
 * refused, and named. 0, or -1 and `e`. */
int device_set(const struct wire_tunnel *tunnel, struct err *e);

/* Removes the device, if it is one that device_make made. Blocks for up to some tens of milliseconds. Never
 * while somebody holds it open. 0 (also if there was none), or -1 and `e`. */
int device_delete(const char *name, struct err *e);

/* The same for every such device, whatever its name: what an earlier run left. */
int device_delete_all(struct err *e);

#endif
