/* The network port on Linux: how packets leave now. */
#include <linux/if.h>
#include <string.h>

#include "os/netwatch/linux/request.h"
#include "os/netwatch/netwatch.h"

int netwatch_way(const struct net_address *to, uint32_t user, const char *tunnel, struct wire_way *way,
		 struct err *e)
{
	struct rtnl *rtnl = rtnl_shared(e);
	struct rtnl_route route;
	int none;

	(void)tunnel; /* its routes are for everybody but openvpn's user */
	memset(way, 0, sizeof *way);
	if (rtnl == NULL || (none = rtnl_shared_result(rtnl_route_to(rtnl, to, user, &route, e))) == -1)
		return -1;
	/* Where a link has no address of its own, the kernel names the loopback's or a link-local one. */
	if (none == 1 || !net_address_is_dialable(&route.source))
		return 0;
	way->local = route.source;
	way->gateway = route.gateway;
	way->link = route.link;
	return 1;
}

bool netwatch_carries(unsigned link)
{
	struct rtnl *rtnl = rtnl_shared(NULL);
	struct rtnl_link is;

	return rtnl != NULL && rtnl_link_by_index(rtnl, link, &is) == 0 && (is.flags & IFF_LOWER_UP) != 0;
}

bool netwatch_has_address(unsigned link, const struct net_address *address)
{
	struct rtnl *rtnl = rtnl_shared(NULL);

	return rtnl != NULL && rtnl_shared_result(rtnl_has_address(rtnl, link, address, NULL)) == 1;
}
