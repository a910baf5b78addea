/* Everything that decides the policy, as one value. */
#ifndef POLICY_SITUATION_H
#define POLICY_SITUATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/net.h"

enum policy_state { POLICY_LOCKED, POLICY_DIALLING, POLICY_OPEN };

enum { POLICY_RESOLVER_SECONDS = 10 };    /* row 5 lasts no longer */
enum { POLICY_PORTAL_SECONDS = 15 * 60 }; /* nor does row 16 */
enum { POLICY_NOBODY = 65534 };           /* who is let through where nobody is */
enum { SITUATION_LINKS = 64, SITUATION_NETWORKS = 32, SITUATION_NEIGHBOURS = 64, SITUATION_LAN_SIDE = 16 };

/* A user or group: by number where it is known, else by name (rules printed
 * on another machine). name[0] == '\0' and !known: nobody. */
struct identity {
	bool known;
	uint32_t number;
	char name[32];
};

struct situation {
	enum policy_state state;
	struct net_endpoint endpoint; /* NET_NONE: none. Rows 3 and 4, in dialling and open */
	struct net_address resolver;  /* NET_NONE: none. Row 5, in dialling */
	struct identity openvpn_group, driver_user, dhcp_user; /* dhcp_user: beside root, may be nobody */
	/* Row 16, unless open: ends at `until`, ms of the steady clock (0: there is none); `any`: ports 80
	 * and 443 of every address; `user`: whose programs the routes of this machine are for meanwhile. */
	struct {
		struct identity group; /* may be nobody */
		int64_t until;
		uint32_t user;
		bool any;
	} portal;
	struct {
		char name[NET_NAME_SIZE];              /* "" none */
		unsigned index;                        /* 0 unknown */
		struct net_address address4, address6; /* row 2 as soon as known, in any state */
		struct net_prefix networks[SITUATION_NETWORKS];
		size_t network_count;
	} tunnel;
	/* Physical links by name, for filters that must name them (pf, ipfw) and for egress. */
	char links[SITUATION_LINKS][NET_NAME_SIZE];
	size_t link_count;
	bool links_left_out; /* there are more: those are not filtered at egress */
	/* Row 7: the physical links' own IPv6 addresses and on-link prefixes; none contains another. */
	struct net_prefix neighbours[SITUATION_NEIGHBOURS];
	size_t neighbour_count;
	bool lan;         /* row 10 */
	bool pppoe, lacp; /* row 12: what an uplink of these kinds needs to come up */
	/* A gateway's LAN-side links, there or not: rows 13 to 15. None: it is not a gateway. */
	char lan_side[SITUATION_LAN_SIDE][NET_NAME_SIZE];
	size_t lan_side_count;
};

/* Is there a hole to an endpoint? Not while the resolver is asked. */
bool policy_has_hole(const struct situation *s);

/* Does row 16 let anything through? */
bool policy_has_portal(const struct situation *s);

/* The strictest lock that there is: of `s` only what the kernel itself says of links and the tunnel's
 * addresses, and nothing that policy_check could refuse. */
void policy_bare(const struct situation *s, struct situation *bare);

#endif
