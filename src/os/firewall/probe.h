/* The probe port: what really passes, whatever the firewall says of itself. */
#ifndef OS_FIREWALL_PROBE_H
#define OS_FIREWALL_PROBE_H

#include "policy/situation.h"

enum probed {
	PROBED_NOTHING, /* the link is not there, not up, or has no address: it says nothing */
	PROBED_REFUSED, /* as it must be while the gate is shut */
	PROBED_OUT      /* nothing stops it; whoever receives it learns nothing */
};

/* An empty datagram to documentation addresses out of `link`, by the caller's
 * own rights, whatever the routes say: to a group of each family (233.252.0.1 and
 * ff0e::db8:0:1, RFC 6676), one hop at most, and where a socket can be bound to a
 * link to a host too (192.0.2.1, RFC 5737). Does not block. */
enum probed probe_link(const char *link);

/* For a process that may lose its rights: does the same as user nobody, out of each link of `s`, because
 * root's datagrams may pass where others' may not. `link`: the one by which it got out. */
enum probed probe_as_nobody(const struct situation *s, const char **link);

/* The platform's part: a datagram to the host, from a socket bound to the link. 0 it got out; else the errno;
 * -1: the platform can't bind a socket to a link. */
int probe_bound(const char *link);

#endif
