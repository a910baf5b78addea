/* How the messages of a PF_ROUTE socket lie in memory, by platform: route(4) and the headers it names. */
#include "os/netwatch/bsd/layout.h"

#include <stddef.h>

#include "os/netwatch/bsd/layout_numbers.h"

const struct route_layout route_layout_macos = {
    .name = "macOS",
    .inet6 = MACOS_INET6,
    .align = MACOS_ALIGN,
    .link = {MACOS_LINK_SIZE, BSD_LINK_INDEX, BSD_LINK_ADDRS, BSD_LINK_FLAGS, BSD_LINK_TYPE, 0, BSD_LINK_MTU},
    .address = {MACOS_ADDRESS_SIZE, BSD_ADDRESS_INDEX, BSD_ADDRESS_ADDRS},
    .route = {MACOS_ROUTE_SIZE, BSD_ROUTE_INDEX, BSD_ROUTE_ADDRS, BSD_ROUTE_FLAGS, BSD_ROUTE_PID,
	      BSD_ROUTE_SEQ, BSD_ROUTE_ERROR},
    .made = MACOS_MADE,
    .scoped = MACOS_SCOPED,
    .tunnel = "utun",
    .tunnel_type = MACOS_TUNNEL_TYPE,
    .tunnel_flags = MACOS_TUNNEL_FLAGS,
};

const struct route_layout route_layout_freebsd = {
    .name = "FreeBSD",
    .inet6 = FREEBSD_INET6,
    .align = FREEBSD_ALIGN,
    .link = {FREEBSD_LINK_SIZE, BSD_LINK_INDEX, BSD_LINK_ADDRS, BSD_LINK_FLAGS, BSD_LINK_TYPE,
	     FREEBSD_LINK_STATE, BSD_LINK_MTU},
    .address = {FREEBSD_ADDRESS_SIZE, BSD_ADDRESS_INDEX, BSD_ADDRESS_ADDRS},
    .route = {FREEBSD_ROUTE_SIZE, BSD_ROUTE_INDEX, BSD_ROUTE_ADDRS, BSD_ROUTE_FLAGS, BSD_ROUTE_PID,
	      BSD_ROUTE_SEQ, BSD_ROUTE_ERROR},
    .state_up = FREEBSD_STATE_UP,
    .announce = FREEBSD_ANNOUNCE,
    .departure = FREEBSD_DEPARTURE,
    .tunnel = "tun",
    .tunnel_type = FREEBSD_TUNNEL_TYPE, /* no flag: openvpn may make it a broadcast one */
};

/* As far as it carries: read, tested, and no daemon is built on it. */
const struct route_layout route_layout_openbsd = {
    .name = "OpenBSD",
    .inet6 = 24,
    .align = 8,
    .hdrlen = 4,
    .link = {168, 6, 12, 16, 24, 27, 28},
    .address = {24, 6, 12},
    .route = {96, 6, 12, 16, 24, 28, 32},
    .state_up = 4,
    .announce = 0x0f,
    .departure = 8,
    .made = 0x10000,
    .tunnel = "tun",
    .tunnel_type = 0x83,
};

const struct route_layout *const route_layouts[] = {&route_layout_macos, &route_layout_freebsd,
						    &route_layout_openbsd, NULL};
