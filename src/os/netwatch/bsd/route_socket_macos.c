/* The network port on macOS: its layout, and what becomes of a utun. */
#include <sys/types.h>

#include <sys/socket.h>

#include <net/if.h>
#include <net/if_dl.h>
#include <net/route.h>
#include <netinet/in.h>
#include <stddef.h>

#include "os/netwatch/bsd/layout_numbers.h"
#include "os/netwatch/bsd/route_socket.h"
#include "os/netwatch/netwatch.h"

const struct route_layout *const route_layout_here = &route_layout_macos;

#define HOLDS(number, real)                                                                                  \
	_Static_assert((int)(number) == (int)(real), #number " is not what the headers say")
HOLDS(MACOS_INET6, AF_INET6);
HOLDS(MACOS_ALIGN, sizeof(uint32_t)); /* rtsock.c of Apple's kernel, ROUNDUP32 */
HOLDS(MACOS_LINK_SIZE, sizeof(struct if_msghdr));
HOLDS(MACOS_ADDRESS_SIZE, sizeof(struct ifa_msghdr));
HOLDS(MACOS_ROUTE_SIZE, sizeof(struct rt_msghdr));
HOLDS(MACOS_MADE, RTF_WASCLONED);
HOLDS(MACOS_SCOPED, RTF_IFSCOPE);
HOLDS(MACOS_TUNNEL_FLAGS, IFF_POINTOPOINT);
#include "os/netwatch/bsd/layout_assert.h"

bool netwatch_taken(const char *name)
{
	return netwatch_index(name) != 0;
}
