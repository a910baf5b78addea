/* What really passes, whatever the firewall says of itself. */
#ifndef OS_MULTICAST_PROBE_H
#define OS_MULTICAST_PROBE_H

#include <stdbool.h>

/* An empty datagram to a documentation group (233.252.0.1, RFC 6676) out of `link`,
 * one hop at most: did the kernel take it? Multicast asks no route, so the link and
 * the filter alone decide; if it gets out it tells nobody anything. False also for
 * a link that is not there or has no address. Does not block. */
bool multicast_gets_out(const char *link);

#endif
