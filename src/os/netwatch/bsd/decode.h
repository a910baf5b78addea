/* What the BSDs' route messages say, as values. Pure: bytes in, structs out. */
#ifndef OS_NETWATCH_BSD_DECODE_H
#define OS_NETWATCH_BSD_DECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/net.h"
#include "os/netwatch/bsd/layout.h"

enum route_kind {
	ROUTE_OTHER, /* any other message: to be ignored */
	ROUTE_LINK,
	ROUTE_ADDRESS,
	ROUTE_ROUTE,
	ROUTE_ANNOUNCE /* a link came or went; only its index is known */
};

struct route_link {
	unsigned index;
	uint32_t flags;
	uint8_t type; /* IFT_* */
	uint32_t mtu;
	bool carrier;             /* or it can't be known */
	char name[NET_NAME_SIZE]; /* "" in events, which don't name it, and if it is no name */
};

struct route_address {
	unsigned index;
	struct net_address address; /* our own end; without the scope that the kernel writes into it */
};

struct route_route {
	uint32_t flags;
	unsigned index;                /* of the link */
	struct net_prefix destination; /* length 0: a default route */
	struct net_address gateway;    /* NET_NONE: the destination is on the link */
};

struct route_message {
	enum route_kind kind;
	bool gone;   /* what is described has ended */
	bool answer; /* nothing has changed: somebody has asked, or it is of a list */
	int32_t pid; /* of a route: who asked for it, 0 the kernel itself; and by which number */
	uint32_t sequence;
	union {
		struct route_link link;
		struct route_address address;
		struct route_route route;
		unsigned announced; /* index */
	};
};

/* Returning other than 0 ends the walk. */
typedef int route_message_fn(const struct route_message *message, void *argument);

/* Walks the messages of what a route socket or its sysctl gave. Returns 0, what
 * `each` returned, or -1 if a message is torn (those before it were handed on).
 * One that is whole but wrong inside, of another version, or reports a failure
 * comes as ROUTE_OTHER. */
int route_decode(const struct route_layout *layout, const void *bytes, size_t length, route_message_fn *each,
		 void *argument);

/* Are these bytes one message, of its own length? With another one a program's words go to all readers as
 * they were written: only of one like this the kernel has said whose it is. */
bool route_is_one(const void *bytes, size_t length);

/* Room for any question. */
enum { ROUTE_QUESTION_SIZE = 256 };

/* Each: the message in `to`. Its length, 0 if it does not fit. */
/* That asks how packets to `address` leave. */
size_t route_encode_get(const struct route_layout *layout, const struct net_address *address,
			uint32_t sequence, void *to, size_t size);
/* That removes `route`. */
size_t route_encode_delete(const struct route_layout *layout, const struct route_route *route,
			   uint32_t sequence, void *to, size_t size);

#endif
