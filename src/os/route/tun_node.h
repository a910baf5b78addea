/* The TUN node port: by which name openvpn's own user may open the device of tunnels. */
#ifndef OS_ROUTE_TUN_NODE_H
#define OS_ROUTE_TUN_NODE_H

#include <stdint.h>

#include "base/err.h"

/* Where openvpn, as `uid` with group `gid` and no other, opens its device: NULL
 * for the usual place; else a node that stands for good, made if it is missing:
 * root's, and the group's to open. 0, or -1 and `e`: none can be had. */
int tun_node_for(uint32_t uid, uint32_t gid, const char **node, struct err *e);

/* Removes what tun_node_for has made, in this life or an earlier one. */
void tun_node_remove(void);

#endif
