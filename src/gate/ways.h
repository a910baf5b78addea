/* gate: how openvpn's packets leave now, for the driver, which judges whether the session lives on; and by
 * which NAT64 prefix a server's IPv4 address is reached where there is IPv6 only. */
#ifndef GATE_WAYS_H
#define GATE_WAYS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/wire_way.h"

struct event;
struct gate;

struct nat64 {
	struct net_prefix told; /* by a router */
	unsigned link;          /* its link */
	int64_t until, asked;   /* ms: so long it holds; when routers were asked, 0 never */
	int64_t would_do;       /* ms: since when a guess would, for lack of IPv4; 0: it would not */
};

struct ways {
	struct wire_way now;
	struct net_address began; /* the source of the attempt's first packets; NET_NONE: not known yet */
	pid_t pid;                /* whose attempt */
	struct event *due, *guess;
	bool worth;
	uint64_t slept; /* ms; not told yet */
	struct nat64 nat64;
};

/* Looks now, at the routes of the attempt and of the profile's remotes. */
void ways_look(struct gate *gate);

/* Something has changed: looks a moment later, once for a burst, and tells the driver, if it is `worth` a try
 * or if it matters. */
void ways_changed(struct gate *gate, bool worth);

/* The machine slept for so long. */
void ways_woke(struct gate *gate, uint64_t ms);

/* Root's, else a router's, else the well-known one; length 0: root wants none. */
struct net_prefix nat64_prefix(const struct gate *gate);

/* A router of `link` says that the prefix holds for so long, 0: no more. Anybody on the link can say so.
 * True: that is news. */
bool nat64_told(struct gate *gate, const struct net_prefix *prefix, uint32_t seconds, unsigned link);

/* The link is gone, and with it what its routers said. */
void nat64_lost(struct gate *gate, unsigned link);

#endif
