/* The numbers of which the layouts are made; each platform's own file holds them
 * against its headers when it is compiled. */
#ifndef OS_NETWATCH_BSD_LAYOUT_NUMBERS_H
#define OS_NETWATCH_BSD_LAYOUT_NUMBERS_H

enum route_layout_macos {
	MACOS_INET6 = 30,
	MACOS_ALIGN = 4,
	MACOS_LINK_SIZE = 112,
	MACOS_ADDRESS_SIZE = 20,
	MACOS_ROUTE_SIZE = 92,
	MACOS_MADE = 0x20000,
	MACOS_SCOPED = 0x1000000,
	MACOS_TUNNEL_TYPE = 0x01,  /* IFT_OTHER, by if_utun.c of Apple's kernel */
	MACOS_TUNNEL_FLAGS = 0x10, /* IFF_POINTOPOINT, likewise */
};

enum route_layout_freebsd {
	FREEBSD_INET6 = 28,
	FREEBSD_ALIGN = 8,
	FREEBSD_LINK_SIZE = 168,
	FREEBSD_LINK_STATE = 20,
	FREEBSD_ADDRESS_SIZE = 20,
	FREEBSD_ROUTE_SIZE = 152,
	FREEBSD_STATE_UP = 2,
	FREEBSD_ANNOUNCE = 0x11,
	FREEBSD_DEPARTURE = 22,
	FREEBSD_TUNNEL_TYPE = 0x17, /* IFT_PPP, by if_tuntap.c */
};

/* Of macOS and FreeBSD: they agree. */
enum route_layout_bsd {
	BSD_LINK_INDEX = 12,
	BSD_LINK_ADDRS = 4,
	BSD_LINK_FLAGS = 8,
	BSD_LINK_TYPE = 16,
	BSD_LINK_MTU = 24,
	BSD_ADDRESS_INDEX = 12,
	BSD_ADDRESS_ADDRS = 4,
	BSD_ROUTE_INDEX = 4,
	BSD_ROUTE_FLAGS = 8,
	BSD_ROUTE_ADDRS = 12,
	BSD_ROUTE_PID = 16,
	BSD_ROUTE_SEQ = 20,
	BSD_ROUTE_ERROR = 24,
};

#endif
