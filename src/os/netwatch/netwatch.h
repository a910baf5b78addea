/* The network port: links, addresses and routes of this machine. */
#ifndef OS_NETWATCH_NETWATCH_H
#define OS_NETWATCH_NETWATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/wire_way.h"
#include "policy/situation.h"

struct netwatch;
struct event_base;

struct netwatch_events {
	void (*links)(void *argument); /* a link came, went, was renamed, or a TUN lost its carrier; or IPv6
					  neighbours changed */
	void (*reachable)(void *argument); /* carrier, address or default route came: worth a try */
	void (*ways)(void *argument); /* a carrier, an address or a route of no TUN came, went or changed:
					 packets may leave otherwise, or not at all */
	void (*lost)(const char *name, unsigned index,
		     void *argument); /* an interface went away or went down */
	/* A router of `link` announces a NAT64 prefix (RFC 8781), for so long; 0: it holds no more. The
	   kernel tells on Linux only. Nothing of it is checked but its form. */
	void (*prefix64)(const struct net_prefix *prefix, uint32_t seconds, unsigned link, void *argument);
	void *argument;
};

/* Watches from `base`'s loop; events come debounced to one per loop turn,
 * except `lost`, which comes at once. On Linux `links` waits in a storm (but not of a TUN that lost its
 * carrier): what comes within 50 ms of the last is reported when nothing has come for 50 ms, after 250 ms at
 * most; links that only went, when none has gone for 500 ms, after 10 s at most. No event function may close
 * the watch. NULL and `e` on failure. */
struct netwatch *netwatch_open(struct event_base *base, const struct netwatch_events *events, struct err *e);
void netwatch_close(struct netwatch *watch); /* NULL is fine */

/* Fills links, link_count, neighbours and neighbour_count of `s`: every link
 * but loopback and the one named s->tunnel.name (or `tunnel`, if not NULL).
 * Reads the kernel now; needs no watch. 0 or -1. Too many links or prefixes
 * for the arrays, or a name that no rule can hold, is an error. */
int netwatch_fill(struct situation *s, const char *tunnel, struct err *e);

/* Index of an interface that exists, is up and is a TUN device (with either
 * address given, NET_NONE: don't care, assigned to it). 0 or -1 and `e`. */
int netwatch_tunnel(const char *name, const struct net_address *address4, const struct net_address *address6,
		    unsigned *index, struct err *e);

/* How packets of `user` to `to` leave now, past the device `tunnel` and its routes: local, gateway and link
 * of *way. 1; 0: there is no way; or -1 and `e`: that can't be found out. */
int netwatch_way(const struct net_address *to, uint32_t user, const char *tunnel, struct wire_way *way,
		 struct err *e);
/* Has the link, by its index, a carrier (or can that not be known)? Has it the address? False also if that
 * can't be found out. */
bool netwatch_carries(unsigned link);
bool netwatch_has_address(unsigned link, const struct net_address *address);

/* Asks the routers of a link to announce themselves: who answers is heard by `prefix64`. It may fail. */
void netwatch_solicit(unsigned link);

/* The index of the interface `name`, 0 if there is none. */
unsigned netwatch_index(const char *name);

/* Is the name taken, so that an openvpn to come can't have it? A TUN device that
 * outlived its process (FreeBSD) is not: it is opened again. */
bool netwatch_taken(const char *name);

/* Sets every physical link down, or those that this call set down up again. 0 or -1. */
int netwatch_links_down(struct err *e);
int netwatch_links_restore(struct err *e);

/* Removes the host routes to `endpoint` that a killed openvpn leaves. 0 or -1; all of them are tried. */
int netwatch_clean(const struct net_endpoint *endpoint, struct err *e);

#endif
