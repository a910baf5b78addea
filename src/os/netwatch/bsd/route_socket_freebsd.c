/* The network port on FreeBSD: its layout, and what becomes of a tun. */
#include <sys/types.h>

#include <sys/socket.h>

#include <net/if.h>
#include <net/if_dl.h>
#include <net/if_types.h>
#include <net/route.h>
#include <netinet/in.h>
#include <stddef.h>

#include "os/netwatch/bsd/layout_numbers.h"
#include "os/netwatch/bsd/route_socket.h"
#include "os/netwatch/netwatch.h"
#include "os/route/tun_freebsd.h"

const struct route_layout *const route_layout_here = &route_layout_freebsd;

#define HOLDS(number, real)                                                                                  \
	_Static_assert((int)(number) == (int)(real), #number " is not what the headers say")
HOLDS(FREEBSD_INET6, AF_INET6);
HOLDS(FREEBSD_ALIGN, sizeof(long)); /* SA_SIZE of <net/route.h> */
HOLDS(FREEBSD_LINK_SIZE, sizeof(struct if_msghdr));
HOLDS(FREEBSD_LINK_STATE, offsetof(struct if_msghdr, ifm_data) + offsetof(struct if_data, ifi_link_state));
HOLDS(FREEBSD_ADDRESS_SIZE, sizeof(struct ifa_msghdr));
HOLDS(FREEBSD_ROUTE_SIZE, sizeof(struct rt_msghdr));
HOLDS(FREEBSD_STATE_UP, LINK_STATE_UP);
HOLDS(FREEBSD_ANNOUNCE, RTM_IFANNOUNCE);
HOLDS(FREEBSD_DEPARTURE, offsetof(struct if_announcemsghdr, ifan_what));
HOLDS(0, IFAN_ARRIVAL);
HOLDS(BSD_ROUTE_INDEX, offsetof(struct if_announcemsghdr, ifan_index));
HOLDS(FREEBSD_TUNNEL_TYPE, IFT_PPP);
#include "os/netwatch/bsd/layout_assert.h"

bool netwatch_taken(const char *name)
{
	return netwatch_index(name) != 0 && tun_opener(name) != 0;
}
