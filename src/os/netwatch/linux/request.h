/* Requests to rtnetlink: queries and changes, one at a time, answered at once. */
#ifndef OS_NETWATCH_LINUX_REQUEST_H
#define OS_NETWATCH_LINUX_REQUEST_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/net.h"
#include "os/netwatch/linux/decode.h"

struct rtnl; /* a socket of its own: nothing but our answers arrives there */

/* NULL and `e` on failure; rtnl_close(NULL) is fine. Calls block for the kernel
 * only, 2 s at most. */
struct rtnl *rtnl_open(struct err *e);
void rtnl_close(struct rtnl *rtnl);

/* One that is kept open: opening one takes as long as a request, and a question may stand between a tunnel
 * that is up and a gate that opens. NULL and `e` on failure. What comes of a request on it is handed to the
 * second function, which returns it: after a failure nobody knows what may still arrive, and the next gets a
 * new one. */
struct rtnl *rtnl_shared(struct err *e);
int rtnl_shared_result(int result);

/* Everything of one kind: RTM_GETLINK, RTM_GETADDR or RTM_GETROUTE. If things
 * changed meanwhile it queries again, after `again` (may be NULL) forgot what was
 * read. 0, what `each` returned, or -1 and `e`. */
int rtnl_dump(struct rtnl *rtnl, uint16_t type, uint8_t family, rtnl_message_fn *each,
	      void (*again)(void *argument), void *argument, struct err *e);

/* One link by name. 0, 1 if there is none, or -1 and `e`. */
int rtnl_link_by_name(struct rtnl *rtnl, const char *name, struct rtnl_link *link, struct err *e);

/* One link by index. 0, or -1 with errno: there is none. */
int rtnl_link_by_index(struct rtnl *rtnl, unsigned index, struct rtnl_link *link);

/* Has the link this address? 1, 0, or -1 and `e`. */
int rtnl_has_address(struct rtnl *rtnl, unsigned index, const struct net_address *address, struct err *e);

/* The route that `user`'s packets to `to` take, by all rules and tables. 0, 1 if there is none, or -1 and
 * `e`. */
int rtnl_route_to(struct rtnl *rtnl, const struct net_address *to, uint32_t user, struct rtnl_route *route,
		  struct err *e);

/* The name of a link, for a text. 0, or -1. */
int rtnl_link_name(struct rtnl *rtnl, unsigned index, char name[static NET_NAME_SIZE]);

/* What a change may need as its buffer. */
enum { RTNL_REQUEST = 512 };
struct nlmsghdr;

/* Requests the change. 0, or an errno. */
int rtnl_change(struct rtnl *rtnl, struct nlmsghdr *message);

/* Each: 0, or -1 and `e`. What is gone already counts as done. */
int rtnl_link_delete(struct rtnl *rtnl, const struct rtnl_link *link, struct err *e);
int rtnl_link_set_up(struct rtnl *rtnl, const struct rtnl_link *link, bool up, struct err *e);
int rtnl_route_delete(struct rtnl *rtnl, const struct rtnl_route *route, struct err *e);

#endif
