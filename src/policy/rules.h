/* The promise (docs/security.md), row by row, as one list of rules for every filter. */
#ifndef POLICY_RULES_H
#define POLICY_RULES_H

#include "base/err.h"
#include "policy/rule_sets.h"
#include "policy/situation.h"

/* Stop: refuse what we send ourselves, else drop. Refuse: towards a client, where that can be kept
 * on the LAN side. Masquerade: the tunnel's address in place of the source. */
enum rule_action { RULE_PASS, RULE_STOP, RULE_REFUSE, RULE_MASQUERADE };
enum rule_hook {
	RULE_ARRIVE,    /* before routing, inbound */
	RULE_IN,        /* to this machine */
	RULE_OUT,       /* from this machine */
	RULE_FORWARD,   /* through it */
	RULE_LEAVE,     /* whatever leaves, last of all, by the link that it does leave by */
	RULE_EGRESS,    /* any frame leaving a physical link; what LEAVE passed there is marked */
	RULE_TRANSLATE, /* the first packet of a connection, after FORWARD */
	RULE_BRIDGE,    /* a frame from one port of a bridge to another */
	RULE_HOOKS
};
/* It arrives on (ARRIVE, IN) or leaves by (OUT, FORWARD, LEAVE, ...); physical: neither loopback nor tunnel;
 * LAN side: one of a gateway's. */
enum rule_link { LINK_ANY, LINK_LOOPBACK, LINK_TUNNEL, LINK_PHYSICAL, LINK_LAN_SIDE };
/* Is the rule for a machine with a gateway, without one, or both? And for which kind of uplink? */
enum rule_gateway { GATEWAY_EITHER, GATEWAY_ONLY, GATEWAY_NEVER };
enum rule_uplink { UPLINK_ANY, UPLINK_PPPOE, UPLINK_LACP };
enum rule_owner { OWNER_ANY, OWNER_OPENVPN_GROUP, OWNER_DRIVER_USER, OWNER_DHCP_USERS, OWNER_PORTAL_GROUP };
/* REPLY answers something we sent. RELATED is an ICMP error that quotes such a packet; `destination` is then
 * that of the quoted packet (all other fields are always the packet's own). */
enum rule_flow { FLOW_ANY, FLOW_REPLY, FLOW_RELATED };

/* The LAN side's row is evaluated between rows 2 and 3. */
enum { RULE_LAST_ROW = 11, RULE_LINK_ROW, RULE_LAN_SIDE_ROW, RULE_FORWARD_ROW, RULE_BRIDGE_ROW };
enum { RULE_PORTAL_ROW = 16 };
enum { RULE_NO_TYPE, RULE_TABLE_MAX = 144 };

struct rule {
	uint8_t row; /* of the promise, 1..11; 12 is the link layer; 13..15 the LAN side; 16 a portal */
	enum rule_action action;
	enum rule_hook hook;
	enum rule_link link, from;                     /* `from`: FORWARD, LEAVE: the link it came in by */
	uint8_t family;                                /* NET_NONE any, NET_IPV4, NET_IPV6 */
	uint8_t proto;                                 /* 0 any; 6, 17, 1 (ICMP), 58 (ICMPv6) */
	enum rule_set source, destination, asked_from; /* REPLY, RELATED: with what source it was asked */
	uint16_t source_port, destination_port;        /* 0 any */
	enum rule_set source_ports, destination_ports; /* SET_ANY, SET_DNS_PORTS, a portal's */
	uint16_t icmp_type;                            /* RULE_NO_TYPE any (no row names type 0) */
	bool icmp_code_0;
	uint8_t hop_limit; /* 0 any */
	enum rule_owner owner;
	enum rule_flow flow;
	enum rule_asker asker;             /* FORWARD, LEAVE, without a gateway */
	uint16_t ether_type, ppp_protocol; /* EGRESS: 0 any; inside PPPoE */
	enum rule_uplink uplink;
	enum rule_gateway gateway;
	bool marked;     /* FORWARD, LEAVE: by BRIDGE, where the kernel shows both a bridge's frames */
	const char *why; /* a few words for a reader of the printed rules */
};

/* Every rule there is, by hook and in order, for filters that keep standing rules and flip the
 * members of sets (nft). `count` gets their number. IN, OUT, FORWARD, LEAVE, EGRESS end by stopping all. */
const struct rule *policy_table(size_t *count);
/* Is it one of OUT's rules about physical links, which LEAVE evaluates again? Is what it passes marked for
 * EGRESS? Does it renew the claim of the link that asked? */
bool policy_is_asked_twice(const struct rule *rule);
bool policy_is_marking(const struct rule *rule);
bool policy_is_renewing(const struct rule *rule);
/* Does the rule apply at all: does the situation have the gateway that it is for, or none? */
bool policy_stands(const struct rule *rule, const struct situation *s);
/* Does each set that the rule matches against have a member in this situation? (Row 16: no.) */
bool policy_applies(const struct rule *rule, const struct situation *s);
/* Is the situation complete: do dialling and open have an endpoint, does open have a tunnel with an address,
 * is every name valid? To be called before anything is made of it. 0, or -1 and `e`. */
int policy_check(const struct situation *s, struct err *e);

#endif
