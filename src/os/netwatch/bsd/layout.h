/* How the messages of a PF_ROUTE socket and of its sysctl lie in memory, by
 * platform: what decode.c reads, and what each platform's own
 * file holds against its headers when it is compiled. */
#ifndef OS_NETWATCH_BSD_LAYOUT_H
#define OS_NETWATCH_BSD_LAYOUT_H

#include <stdint.h>

/* Flags that are the same numbers on all of them: <net/if.h>, <net/route.h>. */
enum route_link_flags { LINK_UP = 0x1, LINK_LOOPBACK = 0x8, LINK_RUNNING = 0x40 };
enum route_flags {
	ROUTE_UP = 0x1,
	ROUTE_GATEWAY = 0x2,
	ROUTE_HOST = 0x4,
	ROUTE_REJECT = 0x8,
	ROUTE_DYNAMIC = 0x10,
	ROUTE_NEIGHBOUR = 0x400,
	ROUTE_STATIC = 0x800,
	ROUTE_BLACKHOLE = 0x1000,
};

/* Bytes from a message's beginning, and numbers. The first four bytes are the
 * same everywhere: length (2), version (1), type (1). */
struct route_layout {
	const char *name;
	uint8_t inet6;  /* AF_INET6; AF_INET and AF_LINK are the same everywhere */
	uint8_t align;  /* an address is followed by a multiple of it */
	uint8_t hdrlen; /* where a header says its own size (2 bytes); 0: it does not */
	/* Each: the header's size, after it the addresses. */
	struct {
		uint16_t size, index, addrs, flags, type, state, mtu;
	} link; /* if_msghdr; type, state and MTU of its if_data */
	struct {
		uint16_t size, index, addrs;
	} address; /* ifa_msghdr */
	struct {
		uint16_t size, index, addrs, flags, pid, seq, error;
	} route;            /* rt_msghdr */
	uint8_t state_up;   /* ifi_link_state from here on, or 0, is a carrier; 0: there is no such field */
	uint8_t announce;   /* RTM_IFANNOUNCE; 0: there is none */
	uint16_t departure; /* where an announcement says what it is, 0: the link came */
	uint32_t made;      /* RTF_*: the kernel made the route by itself, from another */
	uint32_t scoped;    /* RTF_IFSCOPE: the index belongs to the route's name; 0: there is none */
	const char *tunnel; /* what the names of tunnel devices begin with; a number follows */
	uint8_t tunnel_type;
	uint32_t tunnel_flags; /* IFF_* that such a device has in any case */
};

extern const struct route_layout route_layout_macos, route_layout_freebsd, route_layout_openbsd;
extern const struct route_layout *const route_layouts[]; /* all, then NULL */

/* The platform's own: route_socket_macos.c, route_socket_freebsd.c. */
extern const struct route_layout *const route_layout_here;

#endif
