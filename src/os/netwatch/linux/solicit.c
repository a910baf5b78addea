/* The network port on Linux: asks routers to announce themselves. */
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "os/netwatch/netwatch.h"

void netwatch_solicit(unsigned link)
{
	const struct nd_router_solicit question = {.nd_rs_type = ND_ROUTER_SOLICIT};
	const struct sockaddr_in6 routers = {
	    .sin6_family = AF_INET6, .sin6_addr = {{{0xff, 0x02, [15] = 2}}}, .sin6_scope_id = link};
	/* A router believes only what no other has passed on; the kernel fills in the checksum. */
	const int hops = 255;
	int fd = socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_ICMPV6);

	if (fd == -1)
		return;
	if (setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, &hops, sizeof hops) == 0)
		(void)sendto(fd, &question, sizeof question, 0, (const struct sockaddr *)&routers,
			     sizeof routers);
	close(fd);
}
