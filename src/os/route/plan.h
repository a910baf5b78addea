/* Which routes and rules are desired, for one family. Pure: values in, values out. */
#ifndef OS_ROUTE_PLAN_H
#define OS_ROUTE_PLAN_H

#include <stddef.h>

#include "os/route/route.h"

enum {
	ROUTE_TABLE = 8787,  /* ours alone */
	ROUTE_PROTOCOL = 87, /* of each rule and route of ours */
	ROUTE_RULES = 16,
	ROUTE_ENTRIES = WIRE_ROUTES + 32
};

/* Every lookup asks them in this order; the kernel's own table of local addresses comes before, at 0. */
enum route_priority {
	ROUTE_FROM_ADDRESS = 10, /* what has the tunnel's address goes by our table or not at all */
	ROUTE_OUT_OF_TUNNEL,     /* what came out of it and is not for this machine */
	ROUTE_RECEIVED,          /* the same of every other link */
	ROUTE_EXEMPT,            /* openvpn, DHCP: as if there were no rule of ours */
	ROUTE_ROOT, /* root's, and the kernel's question whether a packet came by the right link */
	ROUTE_ALL,
	ROUTE_END /* where the exempt go on */
};

enum route_does { ROUTE_LOOK_UP, ROUTE_GO_TO_END, ROUTE_NOTHING };

struct route_rule {
	uint32_t priority; /* enum route_priority */
	uint32_t does;     /* enum route_does */
	bool received;     /* by `link`, or, if that is "", not made by this machine */
	char link[NET_NAME_SIZE];
	bool by_user;
	uint32_t user_first, user_last;
	struct net_prefix from, to; /* length 0: any */
	uint8_t protocol;           /* 0: any */
	uint16_t source_port, destination_port;
};

enum route_leads { ROUTE_TO_TUNNEL, ROUTE_UNREACHABLE, ROUTE_ELSEWHERE };

struct route_entry {
	struct net_prefix to;
	uint32_t leads;  /* enum route_leads; ROUTE_ELSEWHERE: this table has no answer */
	uint32_t metric; /* the lower one counts */
	unsigned index;  /* ROUTE_TO_TUNNEL: of the device */
	struct net_address source;
};

struct route_plan {
	uint8_t family;
	size_t rule_count, entry_count;
	struct route_rule rules[ROUTE_RULES];
	struct route_entry entries[ROUTE_ENTRIES];
};

/* The tunnel's address of that family, perhaps NET_NONE; and is there a tunnel that has one? */
const struct net_address *route_own(const struct wire_tunnel *tunnel, uint8_t family);
bool route_carried(const struct route_desired *desired, uint8_t family);

/* Every byte of *plan is set, so that two can be compared. */
void route_plan_make(const struct route_desired *desired, uint8_t family, struct route_plan *plan);

#endif
