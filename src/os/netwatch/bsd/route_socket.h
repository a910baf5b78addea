/* What the files of the network port on macOS and the BSDs share. */
#ifndef OS_NETWATCH_BSD_ROUTE_SOCKET_H
#define OS_NETWATCH_BSD_ROUTE_SOCKET_H

#include "base/err.h"
#include "os/netwatch/bsd/facts.h"

enum route_list { ROUTE_LIST_LINKS, ROUTE_LIST_IPV4, ROUTE_LIST_IPV6 };

/* All links, or all routes of a family: sysctl(CTL_NET, PF_ROUTE). The caller
 * gives the buffer to route_release. 0, or -1 and `e`. Doesn't block. */
int route_dump(enum route_list list, struct route_buffer *buffer, struct err *e);
void route_release(struct route_buffer *buffer);

/* How packets to `to` leave now, by the kernel's own look-up: `answer` is the route that they take. 0; ESRCH:
 * there is none, or it leads nowhere; or another errno. Blocks for 50 ms at most. */
int route_query(const struct net_address *to, struct route_route *answer);

/* A message is one datagram, and smaller than this. */
enum { ROUTE_MESSAGE_SIZE = 4096 };

/* A route socket, non-blocking. -1 with errno. */
int route_socket(void);

#endif
