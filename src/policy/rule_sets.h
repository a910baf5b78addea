/* The named sets that the rules match against, and who is in them. */
#ifndef POLICY_RULE_SETS_H
#define POLICY_RULE_SETS_H

#include "policy/situation.h"

enum { RULE_MEMBERS_MAX = 96 };

/* Named sets of addresses, ports or users; the members follow from a situation. */
enum rule_set {
	SET_ANY,
	SET_ENDPOINT,           /* address . protocol . port */
	SET_ENDPOINT_ADDRESS,   /* its address alone */
	SET_RESOLVER,           /* one address */
	SET_TUNNEL,             /* the tunnel's interface, while open */
	SET_TUNNEL_ADDRESS,     /* its own addresses, as soon as known */
	SET_TUNNEL_NETWORKS,    /* its networks, as soon as known */
	SET_LAN,                /* fixed private ranges, if lan = true */
	SET_DHCP_SERVERS,       /* where a DHCP client may send to */
	SET_DHCP_USERS,         /* root and the configured DHCP client's user */
	SET_NEIGHBOURS,         /* fe80::/10, ::, ff02::1, ff02::1:ff00:0/104, own, on-link */
	SET_LINK_LOCAL,         /* fe80::/10: always literal, never a set in a filter */
	SET_LINK_LOCAL_OR_NONE, /* fe80::/10 and :: */
	SET_ALL_ROUTERS,        /* ff02::2: always literal */
	SET_MLD_ROUTERS,        /* ff02::2, ff02::16 */
	SET_DNS_PORTS,          /* 53, 853 */
	SET_PORTAL,             /* protocol . port, for a time: of private addresses; */
	SET_PORTAL_ANY,         /* of every address */
	SET_PRIVATE,            /* fixed ranges that no public server has */
	SET_LAN_SIDE,           /* a gateway's LAN-side links */
	SET_CLIENTS,            /* fixed ranges of addresses on the LAN side */
	SET_COUNT
};

/* The members of an address set in a situation, for one family, in ascending order and free of
 * overlaps; at most `capacity` are written, all are counted (never more than RULE_MEMBERS_MAX). */
size_t policy_members(enum rule_set set, const struct situation *s, uint8_t family,
		      struct net_prefix *members, size_t capacity);

/* The members of SET_PORTAL and of SET_PORTAL_ANY, at *services; how many. */
struct policy_service {
	uint8_t proto;
	uint16_t port;
};
size_t policy_services(enum rule_set set, const struct situation *s, const struct policy_service **services);

/* Which link has claimed a packet's connection. The link by which it first goes into the tunnel claims it.
 * NEW: nobody has, and the link that this packet came in by does so now. CAME, LEAVES: it is claimed by the
 * link that this packet came in by, or leaves by. */
enum rule_asker { ASKER_ANY, ASKER_NEW, ASKER_CAME, ASKER_LEAVES };
/* A packet makes a claim last `lasts` seconds more, if the kernel keeps the connection for more than `beyond`
 * seconds without another packet; the first entry that fits counts, and the last one always fits. That a
 * connection is claimed is remembered MARGIN seconds longer than its link. At most ROOM are remembered. */
enum { POLICY_CLAIMS = 3, POLICY_CLAIM_MARGIN = 10, POLICY_CLAIM_ROOM = 65536 };
enum { POLICY_CLAIM_LONGEST = 5 * 24 * 3600 + POLICY_CLAIM_MARGIN };
struct policy_claim {
	uint32_t beyond, lasts;
};
extern const struct policy_claim policy_claims[POLICY_CLAIMS];

/* The name of a set in a filter: "endpoint", "tunnel_address" ... (without family suffix). */
const char *policy_set_name(enum rule_set set);

#endif
