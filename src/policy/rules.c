/* The promise, row by row, as the one table of rules. */
#include "policy/rules.h"

enum { ICMP = 1, TCP = NET_TCP, UDP = NET_UDP, ICMP6 = 58, V4 = NET_IPV4, V6 = NET_IPV6 };

/* Short forms, so that one rule is one line and the rows can be read as a table. */
#define RULE(r, h, a, ...)                                                                                   \
	{                                                                                                    \
		.row = (r), .hook = RULE_##h, .action = RULE_##a, __VA_ARGS__                                \
	}
#define PHYSICAL .link = LINK_PHYSICAL
#define TUNNEL .link = LINK_TUNNEL
#define LAN_SIDE .link = LINK_LAN_SIDE, .gateway = GATEWAY_ONLY
#define FROM_LAN_SIDE .from = LINK_LAN_SIDE, .gateway = GATEWAY_ONLY
#define NOT_FORWARDED(f, side)                                                                               \
	RULE(2, FORWARD, STOP, .family = (f), .side = SET_TUNNEL_ADDRESS,                                    \
	     .why = "nothing is forwarded to or from the tunnel's address")
#define NOT_BESIDE(f, side)                                                                                  \
	RULE(2, LEAVE, STOP, PHYSICAL, .family = (f), .side = SET_TUNNEL_ADDRESS,                            \
	     .why = "the tunnel's address is used on the tunnel only")
#define ICMP6_TYPE(t) .family = V6, .proto = ICMP6, .icmp_type = (t), .icmp_code_0 = true
/* What comes out of the tunnel must belong to what left with the tunnel's address: not to a connection in the
 * local network, nor to one between clients. */
#define ANSWERS(r, h, f, ...)                                                                                \
	RULE(r, h, PASS, .family = (f), .flow = FLOW_REPLY, .asked_from = SET_TUNNEL_ADDRESS, __VA_ARGS__)
#define ERRORS(r, h, f, ...)                                                                                 \
	RULE(r, h, PASS, .family = (f), .flow = FLOW_RELATED, .asked_from = SET_TUNNEL_ADDRESS, __VA_ARGS__)
#define TO_CLIENTS(h)                                                                                        \
	ANSWERS(14, h, V4, LAN_SIDE, .from = LINK_TUNNEL, .why = "answers to clients"),                      \
	    ANSWERS(14, h, V6, LAN_SIDE, .from = LINK_TUNNEL, .why = "answers to clients"),                  \
	    ERRORS(14, h, V4, LAN_SIDE, .from = LINK_TUNNEL, .why = "errors to clients"),                    \
	    ERRORS(14, h, V6, LAN_SIDE, .from = LINK_TUNNEL, .why = "errors to clients")
#define TO_THE_ASKER(h)                                                                                      \
	RULE(9, h, PASS, .from = LINK_TUNNEL, .gateway = GATEWAY_NEVER, .flow = FLOW_REPLY,                  \
	     .asker = ASKER_LEAVES, .why = "answers to the link that asked"),                                \
	    RULE(9, h, PASS, .from = LINK_TUNNEL, .gateway = GATEWAY_NEVER, .flow = FLOW_RELATED,            \
		 .asker = ASKER_LEAVES, .why = "errors to the link that asked")
#define DNS(h, p, side)                                                                                      \
	RULE(8, h, STOP, PHYSICAL, .proto = (p), .side = SET_DNS_PORTS, .why = "DNS outside the tunnel")
#define ENDPOINT(f, side) PHYSICAL, .family = (f), .side = SET_ENDPOINT
#define PATH_ERROR(f, p, t)                                                                                  \
	RULE(4, IN, PASS, PHYSICAL, .family = (f), .destination = SET_ENDPOINT_ADDRESS, .proto = (p),        \
	     .icmp_type = (t), .flow = FLOW_RELATED, .why = "errors about the hole's packets")
#define NEIGHBOUR(h, t)                                                                                      \
	RULE(7, h, PASS, PHYSICAL, ICMP6_TYPE(t), .hop_limit = 255, .source = SET_NEIGHBOURS,                \
	     .destination = SET_NEIGHBOURS, .why = "neighbour discovery")
#define REDIRECT(h)                                                                                          \
	RULE(7, h, STOP, PHYSICAL, .family = V6, .proto = ICMP6, .icmp_type = 137,                           \
	     .why = "no redirects, not even in the local network")
#define MLD(t)                                                                                               \
	RULE(7, OUT, PASS, PHYSICAL, ICMP6_TYPE(t), .hop_limit = 1, .source = SET_LINK_LOCAL_OR_NONE,        \
	     .destination = SET_MLD_ROUTERS, .why = "multicast listener reports")
#define RESOLVER(f, side) PHYSICAL, .family = (f), .proto = TCP, .side = SET_RESOLVER, .side##_port = 853
/* By private addresses, or by any. The kernel empties the sets of ports when the time is over. */
#define PORTAL(h, side, ...)                                                                                 \
	RULE(16, h, PASS, PHYSICAL, .family = V4, .side = SET_PRIVATE, .side##_ports = SET_PORTAL,           \
	     .why = "a portal of the local network, for a time", __VA_ARGS__),                               \
	    RULE(16, h, PASS, PHYSICAL, .family = V6, .side = SET_PRIVATE, .side##_ports = SET_PORTAL,       \
		 .why = "a portal of the local network, for a time", __VA_ARGS__),                           \
	    RULE(16, h, PASS, PHYSICAL, .side##_ports = SET_PORTAL_ANY,                                      \
		 .why = "a portal anywhere, for a time", __VA_ARGS__)
#define TUNNEL_NETWORKS(h, side, f)                                                                          \
	RULE(10, h, STOP, PHYSICAL, .family = (f), .side = SET_TUNNEL_NETWORKS,                              \
	     .why = "the tunnel's networks are not part of the local network")
#define LAN(h, side, f)                                                                                      \
	TUNNEL_NETWORKS(h, source, f), TUNNEL_NETWORKS(h, destination, f),                                   \
	    RULE(10, h, PASS, PHYSICAL, .family = (f), .side = SET_LAN, .why = "the local network")
#define NO_QUESTION(p)                                                                                       \
	RULE(13, OUT, STOP, LAN_SIDE, .proto = (p), .destination_ports = SET_DNS_PORTS,                      \
	     .why = "no DNS queries to the LAN side")
#define LAN_SIDE_TYPE(h, t, words)                                                                           \
	RULE(13, h, STOP, LAN_SIDE, .family = V6, .proto = ICMP6, .icmp_type = (t), .why = (words))
#define CLIENT_BEGINS(t)                                                                                     \
	RULE(13, IN, PASS, LAN_SIDE, ICMP6_TYPE(t), .hop_limit = 255, .source = SET_LINK_LOCAL_OR_NONE,      \
	     .why = "clients that look for a router, or check that an address is free")
/* Only the other end: row 2 covers this machine's addresses, and pf sees the clients' packets here too. */
#define NOT_THE_TUNNELS(h, side, f)                                                                          \
	RULE(13, h, STOP, LAN_SIDE, .family = (f), .side = SET_TUNNEL_NETWORKS,                              \
	     .why = "the tunnel's networks are not on the LAN side")
#define WITH_CLIENTS(h, side)                                                                                \
	NOT_THE_TUNNELS(h, side, V4), NOT_THE_TUNNELS(h, side, V6),                                          \
	    RULE(13, h, PASS, LAN_SIDE, .family = V4, .side = SET_CLIENTS, .why = "clients"),                \
	    RULE(13, h, PASS, LAN_SIDE, .family = V6, .side = SET_CLIENTS, .why = "clients"),                \
	    RULE(13, h, STOP, LAN_SIDE, .why = "nothing else on a LAN-side link")

/* Control protocols only: never 0x0021 or 0x0057, which are IP. What a PPP link let out has the mark. */
#define PPP(number, name)                                                                                    \
	RULE(12, EGRESS, PASS, .ether_type = 0x8864, .uplink = UPLINK_PPPOE, .ppp_protocol = (number),       \
	     .why = "PPPoE: " name)

static const struct rule table[] = {
    RULE(2, ARRIVE, STOP, PHYSICAL, .family = V4, .destination = SET_TUNNEL_ADDRESS,
	 .why = "the tunnel's address is reached through the tunnel only"),
    RULE(2, ARRIVE, STOP, PHYSICAL, .family = V6, .destination = SET_TUNNEL_ADDRESS,
	 .why = "the tunnel's address is reached through the tunnel only"),
    RULE(2, ARRIVE, STOP, PHYSICAL, .family = V4, .source = SET_TUNNEL_ADDRESS,
	 .why = "no other machine has the tunnel's address"),
    RULE(2, ARRIVE, STOP, PHYSICAL, .family = V6, .source = SET_TUNNEL_ADDRESS,
	 .why = "no other machine has the tunnel's address"),

    /* IN and OUT decide about loopback and the tunnel first, rows 1 and 9: what is
     * left is on a physical link, and a packet of the tunnel is compared with five
     * rules and not with thirty. */
    RULE(1, IN, PASS, .link = LINK_LOOPBACK, .why = "loopback"),
    ANSWERS(9, IN, V4, TUNNEL, .why = "answers from the tunnel"),
    ANSWERS(9, IN, V6, TUNNEL, .why = "answers from the tunnel"),
    ERRORS(9, IN, V4, TUNNEL, .why = "errors from the tunnel"),
    ERRORS(9, IN, V6, TUNNEL, .why = "errors from the tunnel"),
    RULE(9, IN, STOP, TUNNEL, .why = "nothing unsolicited from the tunnel"),
    LAN_SIDE_TYPE(IN, 137, "no redirects"),
    LAN_SIDE_TYPE(IN, 134, "no client is our router"),
    RULE(13, IN, PASS, LAN_SIDE, .family = V4, .proto = UDP, .source_port = 68, .destination_port = 67,
	 .why = "clients that ask for an address"),
    CLIENT_BEGINS(133),
    CLIENT_BEGINS(135),
    WITH_CLIENTS(IN, source),
    RULE(3, IN, PASS, ENDPOINT(V4, source), .flow = FLOW_REPLY, .why = "the endpoint's answers"),
    RULE(3, IN, PASS, ENDPOINT(V6, source), .flow = FLOW_REPLY, .why = "the endpoint's answers"),
    PATH_ERROR(V4, ICMP, 3),
    PATH_ERROR(V6, ICMP6, 1),
    PATH_ERROR(V6, ICMP6, 2),
    PATH_ERROR(V6, ICMP6, 3),
    PATH_ERROR(V6, ICMP6, 4),
    RULE(5, IN, PASS, RESOLVER(V4, source), .flow = FLOW_REPLY, .why = "the resolver's answers"),
    RULE(5, IN, PASS, RESOLVER(V6, source), .flow = FLOW_REPLY, .why = "the resolver's answers"),
    PORTAL(IN, source, .flow = FLOW_REPLY),
    RULE(6, IN, PASS, PHYSICAL, .family = V4, .proto = UDP, .source_port = 67, .destination_port = 68,
	 .why = "DHCPv4 answers"),
    RULE(6, IN, PASS, PHYSICAL, .family = V6, .proto = UDP, .source = SET_LINK_LOCAL, .source_port = 547,
	 .destination = SET_LINK_LOCAL, .destination_port = 546, .why = "DHCPv6 answers"),
    RULE(7, IN, PASS, PHYSICAL, ICMP6_TYPE(134), .hop_limit = 255, .source = SET_LINK_LOCAL,
	 .why = "router advertisements"),
    NEIGHBOUR(IN, 135),
    NEIGHBOUR(IN, 136),
    RULE(7, IN, PASS, PHYSICAL, ICMP6_TYPE(130), .hop_limit = 1, .source = SET_LINK_LOCAL,
	 .why = "multicast listener queries"),
    REDIRECT(IN),
    DNS(IN, TCP, destination_ports),
    DNS(IN, UDP, destination_ports),
    DNS(IN, TCP, source_ports),
    DNS(IN, UDP, source_ports),
    LAN(IN, source, V4),
    LAN(IN, source, V6),
    RULE(11, IN, STOP, .why = "everything else"),

    RULE(1, OUT, PASS, .link = LINK_LOOPBACK, .why = "loopback"),
    RULE(9, OUT, PASS, TUNNEL, .why = "the tunnel"),
    RULE(2, OUT, STOP, PHYSICAL, .family = V4, .source = SET_TUNNEL_ADDRESS,
	 .why = "the tunnel's address is used on the tunnel only"),
    RULE(2, OUT, STOP, PHYSICAL, .family = V6, .source = SET_TUNNEL_ADDRESS,
	 .why = "the tunnel's address is used on the tunnel only"),
    RULE(2, OUT, STOP, PHYSICAL, .family = V4, .destination = SET_TUNNEL_ADDRESS,
	 .why = "no other machine has the tunnel's address"),
    RULE(2, OUT, STOP, PHYSICAL, .family = V6, .destination = SET_TUNNEL_ADDRESS,
	 .why = "no other machine has the tunnel's address"),
    LAN_SIDE_TYPE(OUT, 137, "no redirects"),
    NO_QUESTION(TCP),
    NO_QUESTION(UDP),
    WITH_CLIENTS(OUT, destination),
    RULE(3, OUT, PASS, ENDPOINT(V4, destination), .owner = OWNER_OPENVPN_GROUP,
	 .why = "openvpn to its endpoint"),
    RULE(3, OUT, PASS, ENDPOINT(V6, destination), .owner = OWNER_OPENVPN_GROUP,
	 .why = "openvpn to its endpoint"),
    RULE(5, OUT, PASS, RESOLVER(V4, destination), .owner = OWNER_DRIVER_USER,
	 .why = "the driver to the resolver"),
    RULE(5, OUT, PASS, RESOLVER(V6, destination), .owner = OWNER_DRIVER_USER,
	 .why = "the driver to the resolver"),
    PORTAL(OUT, destination, .owner = OWNER_PORTAL_GROUP),
    RULE(6, OUT, PASS, PHYSICAL, .family = V4, .proto = UDP, .source_port = 68,
	 .destination = SET_DHCP_SERVERS, .destination_port = 67, .owner = OWNER_DHCP_USERS,
	 .why = "DHCPv4 client"),
    RULE(6, OUT, PASS, PHYSICAL, .family = V6, .proto = UDP, .source = SET_LINK_LOCAL, .source_port = 546,
	 .destination = SET_DHCP_SERVERS, .destination_port = 547, .why = "DHCPv6 client"),
    RULE(7, OUT, PASS, PHYSICAL, ICMP6_TYPE(133), .hop_limit = 255, .source = SET_LINK_LOCAL_OR_NONE,
	 .destination = SET_ALL_ROUTERS, .why = "router solicitations"),
    NEIGHBOUR(OUT, 135),
    NEIGHBOUR(OUT, 136),
    MLD(131),
    MLD(132),
    MLD(143),
    REDIRECT(OUT),
    DNS(OUT, TCP, destination_ports),
    DNS(OUT, UDP, destination_ports),
    DNS(OUT, TCP, source_ports),
    DNS(OUT, UDP, source_ports),
    LAN(OUT, destination, V4),
    LAN(OUT, destination, V6),
    RULE(11, OUT, STOP, .why = "everything else"),

    /* Before what passes: if the tunnel's address is removed from this machine, the tunnel's answers are
     * packets to forward. Masquerading comes later, so no forwarded packet has the address, on any link. */
    NOT_FORWARDED(V4, source),
    NOT_FORWARDED(V6, source),
    NOT_FORWARDED(V4, destination),
    NOT_FORWARDED(V6, destination),
    TO_THE_ASKER(FORWARD),
    RULE(9, FORWARD, STOP, .from = LINK_TUNNEL, .gateway = GATEWAY_NEVER,
	 .why = "nothing unsolicited out of the tunnel"),
    RULE(9, FORWARD, PASS, TUNNEL, .gateway = GATEWAY_NEVER, .asker = ASKER_CAME,
	 .why = "into the tunnel, from the link that owns the connection"),
    RULE(9, FORWARD, PASS, TUNNEL, .gateway = GATEWAY_NEVER, .asker = ASKER_NEW,
	 .why = "into the tunnel: the first link owns the connection"),
    RULE(15, FORWARD, PASS, .link = LINK_LAN_SIDE, FROM_LAN_SIDE, .marked = true,
	 .why = "from one LAN-side port to another, judged again"),
    RULE(14, FORWARD, PASS, TUNNEL, FROM_LAN_SIDE, .family = V4, .source = SET_CLIENTS,
	 .why = "clients into the tunnel"),
    RULE(14, FORWARD, PASS, TUNNEL, FROM_LAN_SIDE, .family = V6, .source = SET_CLIENTS,
	 .why = "clients into the tunnel"),
    TO_CLIENTS(FORWARD),
    RULE(14, FORWARD, REFUSE, FROM_LAN_SIDE, .family = V4, .source = SET_CLIENTS,
	 .why = "clients are refused at once"),
    RULE(14, FORWARD, REFUSE, FROM_LAN_SIDE, .family = V6, .source = SET_CLIENTS,
	 .why = "clients are refused at once"),
    RULE(11, FORWARD, STOP, .why = "everything else"),

    /* Since OUT and FORWARD judged a packet, another program's chain may have redirected it to another link
     * or changed its addresses. So OUT's rules judge again what leaves by neither loopback nor the tunnel. */
    RULE(1, LEAVE, PASS, .link = LINK_LOOPBACK, .why = "loopback"),
    RULE(14, LEAVE, PASS, TUNNEL, FROM_LAN_SIDE, .family = V4, .source = SET_TUNNEL_ADDRESS,
	 .why = "clients' packets, with the tunnel's address"),
    RULE(14, LEAVE, PASS, TUNNEL, FROM_LAN_SIDE, .family = V6, .source = SET_TUNNEL_ADDRESS,
	 .why = "clients' packets, with the tunnel's address"),
    RULE(14, LEAVE, STOP, TUNNEL, FROM_LAN_SIDE, .why = "no client's own address in the tunnel"),
    RULE(9, LEAVE, PASS, TUNNEL, .why = "the tunnel"),
    NOT_BESIDE(V4, source),
    NOT_BESIDE(V6, source),
    NOT_BESIDE(V4, destination),
    NOT_BESIDE(V6, destination),
    TO_THE_ASKER(LEAVE),
    TO_CLIENTS(LEAVE),
    RULE(15, LEAVE, PASS, LAN_SIDE, .marked = true, .why = "from one LAN-side port to another, judged again"),
    RULE(11, LEAVE, STOP, .why = "everything else"),

    RULE(14, TRANSLATE, MASQUERADE, TUNNEL, FROM_LAN_SIDE, .why = "clients get the tunnel's address"),

    RULE(15, BRIDGE, PASS, .link = LINK_LAN_SIDE, FROM_LAN_SIDE, .why = "from one LAN-side port to another"),

    RULE(6, EGRESS, PASS, .family = V4, .proto = UDP, .source_port = 68, .destination = SET_DHCP_SERVERS,
	 .destination_port = 67, .owner = OWNER_DHCP_USERS, .why = "DHCPv4 client by packet socket"),
    RULE(13, EGRESS, PASS, LAN_SIDE, .family = V4, .proto = UDP, .source_port = 67,
	 .destination = SET_DHCP_SERVERS, .destination_port = 68, .why = "DHCPv4 server by packet socket"),
    RULE(12, EGRESS, PASS, .ether_type = 0x0806, .why = "ARP"),
    RULE(12, EGRESS, PASS, .ether_type = 0x888e, .why = "EAPOL"),
    RULE(12, EGRESS, PASS, .ether_type = 0x88c7, .why = "EAPOL pre-authentication"),
    RULE(12, EGRESS, PASS, .ether_type = 0x8863, .uplink = UPLINK_PPPOE, .why = "PPPoE discovery"),
    PPP(0xc021, "LCP"),
    PPP(0xc023, "PAP"),
    PPP(0xc025, "link quality"),
    PPP(0xc223, "CHAP"),
    PPP(0xc227, "EAP"),
    PPP(0x8021, "IPCP"),
    PPP(0x8057, "IPV6CP"),
    RULE(12, EGRESS, PASS, .ether_type = 0x8809, .uplink = UPLINK_LACP,
	 .why = "LACP and other slow protocols, to their own address"),
    RULE(11, EGRESS, STOP, .why = "everything else"),
};

_Static_assert(sizeof table / sizeof table[0] <= RULE_TABLE_MAX, "RULE_TABLE_MAX is a promise to callers");

const struct rule *policy_table(size_t *count)
{
	*count = sizeof table / sizeof table[0];
	return table;
}

bool policy_is_asked_twice(const struct rule *rule)
{
	return rule->hook == RULE_OUT && (rule->link == LINK_PHYSICAL || rule->link == LINK_LAN_SIDE);
}

bool policy_is_marking(const struct rule *rule)
{
	bool leaves = rule->hook == RULE_LEAVE && rule->link != LINK_LOOPBACK && rule->link != LINK_TUNNEL;

	return rule->action == RULE_PASS &&
	       (leaves || rule->hook == RULE_EGRESS || rule->hook == RULE_BRIDGE);
}

/* Until the kernel itself forgets the connection: five days for TCP, two minutes for UDP. */
const struct policy_claim policy_claims[POLICY_CLAIMS] = {
    {3600, POLICY_CLAIM_LONGEST - POLICY_CLAIM_MARGIN}, {180, 3600}, {0, 180}};

bool policy_is_renewing(const struct rule *rule)
{
	return rule->hook == RULE_FORWARD && rule->asker != ASKER_ANY;
}

static bool set_is_empty(enum rule_set set, const struct situation *s, uint8_t family)
{
	switch (set) {
	case SET_TUNNEL:
		return s->state != POLICY_OPEN || s->tunnel.name[0] == '\0';
	case SET_LAN_SIDE:
		return s->lan_side_count == 0;
	case SET_ANY:
	case SET_DHCP_USERS:
	case SET_DNS_PORTS:
		return false;
	default:
		return policy_members(set, s, family, NULL, 0) == 0;
	}
}

bool policy_stands(const struct rule *rule, const struct situation *s)
{
	if ((rule->uplink == UPLINK_PPPOE && !s->pppoe) || (rule->uplink == UPLINK_LACP && !s->lacp))
		return false;
	if (rule->row == RULE_PORTAL_ROW && !s->portal.group.known && s->portal.group.name[0] == '\0')
		return false;
	return rule->gateway == GATEWAY_EITHER || (rule->gateway == GATEWAY_ONLY) == (s->lan_side_count > 0);
}

bool policy_applies(const struct rule *rule, const struct situation *s)
{
	bool tunnel = rule->link == LINK_TUNNEL || rule->from == LINK_TUNNEL;

	if (!policy_stands(rule, s) || (rule->row == 10 && !s->lan) || rule->row == RULE_PORTAL_ROW)
		return false;
	if (tunnel && set_is_empty(SET_TUNNEL, s, NET_NONE))
		return false;
	return !set_is_empty(rule->source, s, rule->family) &&
	       !set_is_empty(rule->asked_from, s, rule->family) &&
	       !set_is_empty(rule->destination, s, rule->family);
}
