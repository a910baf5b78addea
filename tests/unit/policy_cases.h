/* The situations that the policy's tests share, by name. */
#ifndef POLICY_CASES_H
#define POLICY_CASES_H

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "policy/situation.h"

struct policy_case {
	const char *name;
	enum policy_state state;
	const char *endpoint, *resolver, *dhcp_user;
	bool tunnel, dual, lan, links, numbers, gateway, uplink;
	bool many, whole; /* more members than a list of ipfw may have; networks that are every address */
	bool six;         /* the tunnel has no IPv4 */
	bool portal, any; /* a portal is open, of private addresses or any */
};

static const struct policy_case policy_cases[] = {
    {"locked", POLICY_LOCKED, .links = true, .numbers = true},
    {"locked-uplink", POLICY_LOCKED, .links = true, .numbers = true, .uplink = true},
    {"locked-lan", POLICY_LOCKED, .tunnel = true, .lan = true, .links = true, .numbers = true},
    {"locked-portal", POLICY_LOCKED, .links = true, .numbers = true, .portal = true},
    {"dialling-portal", POLICY_DIALLING, "203.0.113.7:1194/udp", .links = true, .numbers = true,
     .portal = true, .any = true},
    {"open-portal", POLICY_OPEN, "203.0.113.7:1194/udp", .tunnel = true, .links = true, .numbers = true,
     .portal = true, .any = true},
    {"locked-nothing-known", POLICY_LOCKED, .endpoint = NULL},
    {"locked-dhcp-user", POLICY_LOCKED, .dhcp_user = "_dhcp", .links = true, .numbers = true},
    {"dialling-udp4", POLICY_DIALLING, "203.0.113.7:1194/udp", .links = true, .numbers = true},
    {"dialling-tcp6", POLICY_DIALLING, "[2001:db8:7::7]:443/tcp", .links = true, .numbers = true},
    {"dialling-lan", POLICY_DIALLING, "[2001:db8:7::7]:443/tcp", .lan = true, .links = true, .numbers = true},
    {"dialling-proxy", POLICY_DIALLING, "10.1.2.3:3128/tcp", .links = true, .numbers = true},
    {"dialling-resolver", POLICY_DIALLING, "203.0.113.7:1194/udp", "192.0.2.53", .links = true,
     .numbers = true},
    {"asking", POLICY_DIALLING, NULL, "192.0.2.53", .links = true, .numbers = true},
    {"asking-six", POLICY_DIALLING, NULL, "2001:db8::53", .lan = true, .links = true, .numbers = true},
    {"dialling-address-known", POLICY_DIALLING, "203.0.113.7:1194/udp", .tunnel = true, .dual = true,
     .links = true, .numbers = true},
    {"dialling-names", POLICY_DIALLING, "203.0.113.7:1194/udp", "2001:db8::53", "_dhcp", .links = true},
    {"open", POLICY_OPEN, "203.0.113.7:1194/udp", .tunnel = true, .links = true, .numbers = true},
    {"open-dual", POLICY_OPEN, "203.0.113.7:53/udp", .tunnel = true, .dual = true, .links = true,
     .numbers = true},
    {"open-lan", POLICY_OPEN, "[2001:db8:7::7]:1194/udp", .tunnel = true, .dual = true, .lan = true,
     .links = true, .numbers = true},
    {"locked-gateway", POLICY_LOCKED, .links = true, .numbers = true, .gateway = true},
    {"dialling-gateway", POLICY_DIALLING, "203.0.113.7:1194/tcp", .tunnel = true, .links = true,
     .numbers = true, .gateway = true},
    {"open-gateway", POLICY_OPEN, "203.0.113.7:1194/udp", .tunnel = true, .dual = true, .links = true,
     .numbers = true, .gateway = true},
    {"open-gateway-six", POLICY_OPEN, "203.0.113.7:1194/udp", .tunnel = true, .dual = true, .links = true,
     .numbers = true, .gateway = true, .six = true},
    {"open-gateway-lan", POLICY_OPEN, "203.0.113.7:1194/udp", .tunnel = true, .lan = true, .links = true,
     .numbers = true, .gateway = true},
    {"open-many", POLICY_OPEN, "203.0.113.7:1194/udp", .tunnel = true, .lan = true, .links = true,
     .numbers = true, .many = true},
    {"open-whole", POLICY_OPEN, "203.0.113.7:1194/udp", .tunnel = true, .dual = true, .lan = true,
     .links = true, .numbers = true, .whole = true},
    {"open-nothing-known", POLICY_OPEN, "203.0.113.7:1194/udp", .tunnel = true, .lan = true},
};
enum { POLICY_CASES = sizeof policy_cases / sizeof policy_cases[0] };

static inline void identity_set(struct identity *identity, bool known, uint32_t number, const char *name)
{
	identity->known = known;
	identity->number = number;
	strcpy(identity->name, name);
}

/* Asserts that every text of the cases parses: they are our own. */
static inline void must(int result)
{
	assert(result == 0);
	(void)result;
}

static inline void policy_case_tunnel(struct situation *s, bool dual)
{
	strcpy(s->tunnel.name, "tun0");
	must(net_address_parse("10.8.0.6", &s->tunnel.address4));
	must(net_prefix_parse("10.8.0.0/24", &s->tunnel.networks[s->tunnel.network_count++]));
	if (!dual)
		return;
	must(net_address_parse("fd00:8::6", &s->tunnel.address6));
	must(net_prefix_parse("fd00:8::/64", &s->tunnel.networks[s->tunnel.network_count++]));
}

/* As many IPv4 networks as there may be, and neighbours, each in falling order. */
static inline void policy_case_many(struct situation *s)
{
	char text[NET_PREFIX_TEXT];

	for (unsigned i = SITUATION_NETWORKS; s->tunnel.network_count < SITUATION_NETWORKS; i--) {
		snprintf(text, sizeof text, "10.%u.0.0/16", 8 + i);
		must(net_prefix_parse(text, &s->tunnel.networks[s->tunnel.network_count++]));
	}
	for (unsigned i = 12; i > 0; i--) {
		snprintf(text, sizeof text, "2001:db8:%x::/64", 1 + i);
		must(net_prefix_parse(text, &s->neighbours[s->neighbour_count++]));
	}
}

static inline struct situation policy_case_make(const struct policy_case *c)
{
	struct situation s;

	memset(&s, 0, sizeof s);
	s.state = c->state;
	s.lan = c->lan;
	s.pppoe = s.lacp = c->uplink;
	if (c->endpoint != NULL)
		must(net_endpoint_parse(c->endpoint, &s.endpoint));
	if (c->resolver != NULL)
		must(net_address_parse(c->resolver, &s.resolver));
	identity_set(&s.openvpn_group, c->numbers, 777, "_openvpn");
	identity_set(&s.driver_user, c->numbers, 778, "_portcullis");
	if (c->dhcp_user != NULL)
		identity_set(&s.dhcp_user, c->numbers, 65, c->dhcp_user);
	if (c->portal)
		identity_set(&s.portal.group, c->numbers, 779, "_portcullis-portal");
	s.portal.until = c->portal;
	s.portal.any = c->any;
	if (c->tunnel)
		policy_case_tunnel(&s, c->dual);
	if (c->six) {
		memset(&s.tunnel.address4, 0, sizeof s.tunnel.address4);
		s.tunnel.networks[0] = s.tunnel.networks[--s.tunnel.network_count];
	}
	if (c->whole) {
		must(net_prefix_parse("0.0.0.0/0", &s.tunnel.networks[s.tunnel.network_count++]));
		must(net_prefix_parse("::/0", &s.tunnel.networks[s.tunnel.network_count++]));
	}
	if (c->gateway) {
		strcpy(s.lan_side[0], "en1");
		strcpy(s.lan_side[1], "br0");
		s.lan_side_count = 2;
	}
	if (!c->links)
		return s;
	strcpy(s.links[0], "en0");
	strcpy(s.links[1], "en1");
	s.link_count = 2;
	must(net_prefix_parse("fe80::1234/128", &s.neighbours[0])); /* within fe80::/10: not a member twice */
	must(net_prefix_parse("2001:db8:1::/64", &s.neighbours[1]));
	s.neighbour_count = 2;
	if (c->many)
		policy_case_many(&s);
	return s;
}

static inline const struct policy_case *policy_case_named(const char *name)
{
	for (size_t i = 0; i < POLICY_CASES; i++)
		if (strcmp(policy_cases[i].name, name) == 0)
			return &policy_cases[i];
	fail_msg("no case %s", name);
	return NULL;
}

static inline struct situation situation_named(const char *name)
{
	return policy_case_make(policy_case_named(name));
}

#endif
