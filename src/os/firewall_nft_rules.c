/* What must stand in the kernel: tables, sets, chains and rules as netlink messages. */
#include "os/firewall_nft_rules.h"
#include <net/ethernet.h>

#include <endian.h>
#include <stdio.h>
#include <string.h>

#include <linux/icmp.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_conntrack_tuple_common.h>
#include <linux/netfilter/nf_tables.h>

#include "policy/print.h"

enum { LOOPBACK = 1, RESOLVER_TIME = POLICY_RESOLVER_SECONDS * 1000 };

/* nft's numbers of types: only `nft list` reads them. A concatenation is 6 bits each. */
enum {
	TYPE_NFPROTO = 2,
	TYPE_IPV4 = 7,
	TYPE_IPV6 = 8,
	TYPE_PROTO = 12,
	TYPE_PORT = 13,
	TYPE_LINK = 20,
	TYPE_USER = 24,
	TYPE_ENDPOINT4 = TYPE_IPV4 << 12 | TYPE_PROTO << 6 | TYPE_PORT,
	TYPE_ENDPOINT6 = TYPE_IPV6 << 12 | TYPE_PROTO << 6 | TYPE_PORT
};

#define BOTH(n, s, f, t)                                                                                     \
	{n "4", NFT_INET, TYPE_IPV4, 4, f, t, s, NET_IPV4},                                                  \
	{                                                                                                    \
		n "6", NFT_INET, TYPE_IPV6, 16, f, t, s, NET_IPV6                                            \
	}

const struct nft_set nft_sets[NFT_SETS] = {
    {"endpoint4", NFT_INET, TYPE_ENDPOINT4, 12, 0, 0, SET_ENDPOINT, NET_IPV4},
    {"endpoint6", NFT_INET, TYPE_ENDPOINT6, 24, 0, 0, SET_ENDPOINT, NET_IPV6},
    BOTH("endpoint_address", SET_ENDPOINT_ADDRESS, 0, 0),
    BOTH("resolver", SET_RESOLVER, NFT_SET_TIMEOUT, RESOLVER_TIME),
    BOTH("tunnel_address", SET_TUNNEL_ADDRESS, 0, 0),
    BOTH("tunnel_networks", SET_TUNNEL_NETWORKS, NFT_SET_INTERVAL, 0),
    BOTH("lan", SET_LAN, NFT_SET_INTERVAL, 0),
    BOTH("dhcp_servers", SET_DHCP_SERVERS, NFT_SET_INTERVAL, 0),
    {"neighbours6", NFT_INET, TYPE_IPV6, 16, NFT_SET_INTERVAL, 0, SET_NEIGHBOURS, NET_IPV6},
    {"link_local_or_none6", NFT_INET, TYPE_IPV6, 16, NFT_SET_INTERVAL, 0, SET_LINK_LOCAL_OR_NONE, NET_IPV6},
    {"mld_routers6", NFT_INET, TYPE_IPV6, 16, 0, 0, SET_MLD_ROUTERS, NET_IPV6},
    {"tunnel", NFT_INET, TYPE_LINK, 4, 0, 0, SET_TUNNEL, NET_NONE},
    {"dhcp_users", NFT_INET, TYPE_USER, 4, 0, 0, SET_DHCP_USERS, NET_NONE},
    {"dns_ports", NFT_INET, TYPE_PORT, 2, 0, 0, SET_DNS_PORTS, NET_NONE},
    {"paused", NFT_INET, TYPE_NFPROTO, 1, NFT_SET_TIMEOUT, 0, SET_ANY, NET_NONE},
    {"dhcp_servers4", NFT_NETDEV, TYPE_IPV4, 4, NFT_SET_INTERVAL, 0, SET_DHCP_SERVERS, NET_IPV4},
    {"dhcp_users", NFT_NETDEV, TYPE_USER, 4, 0, 0, SET_DHCP_USERS, NET_NONE},
    {"paused_links", NFT_NETDEV, TYPE_LINK, 4, NFT_SET_TIMEOUT, 0, SET_ANY, NET_NONE},
};

static const struct chain {
	const char *name;
	uint8_t table;
	int8_t hook; /* -1: a chain that others jump to */
	int32_t priority;
	uint32_t policy;
} chains[] = {
    {"stop", NFT_INET, -1, 0, 0},
    {"arrive", NFT_INET, NF_INET_PRE_ROUTING, -300, NF_ACCEPT}, /* before anything else looks */
    {"in", NFT_INET, NF_INET_LOCAL_IN, 1000, NF_DROP},          /* after conntrack and NAT */
    {"out", NFT_INET, NF_INET_LOCAL_OUT, 1000, NF_DROP},
    {"forward", NFT_INET, NF_INET_FORWARD, 1000, NF_DROP},
    {"egress", NFT_NETDEV, -1, 0, 0},
};

static const char *const chain_of[] = {
    [RULE_ARRIVE] = "arrive",   [RULE_IN] = "in",         [RULE_OUT] = "out",
    [RULE_FORWARD] = "forward", [RULE_EGRESS] = "egress",
};

uint8_t nft_family(const struct firewall_features *features, unsigned table)
{
	return table == NFT_NETDEV ? NFPROTO_NETDEV : features->ipv6 ? NFPROTO_INET : NFPROTO_IPV4;
}

const struct nlmsghdr *nft_piece_message(const struct nft_wish *wish, const struct nft_piece *piece)
{
	return (const void *)(wish->messages.bytes + piece->offset);
}

/* --- pieces ------------------------------------------------------------- */

static struct nlmsghdr *piece_begin(struct nft_wish *wish, unsigned table, uint16_t type, uint16_t flags)
{
	struct nlmsghdr *m = nft_message(&wish->messages, type, flags, nft_family(&wish->features, table));

	if (wish->count < NFT_PIECES)
		wish->pieces[wish->count++] = (struct nft_piece){
		    .offset = (uint32_t)wish->messages.used, .table = (uint8_t)table, .link = -1};
	else
		wish->messages.full = true;
	mnl_attr_put_strz(m, NFTA_TABLE_NAME, POLICY_NFT_TABLE); /* 1 is the table in every type */
	return m;
}

static void piece_end(struct nft_wish *wish, const struct nlmsghdr *m)
{
	nft_message_end(&wish->messages, m);
}

static void put_counter(struct nft_wish *wish, unsigned table)
{
	struct nlmsghdr *m = piece_begin(wish, table, NFT_MSG_NEWOBJ, NLM_F_CREATE);

	mnl_attr_put_strz(m, NFTA_OBJ_NAME, "blocked");
	nft_put_be32(m, NFTA_OBJ_TYPE, NFT_OBJECT_COUNTER);
	mnl_attr_nest_end(m, mnl_attr_nest_start(m, NFTA_OBJ_DATA));
	piece_end(wish, m);
}

static void put_set(struct nft_wish *wish, const struct nft_set *set, uint32_t id)
{
	static const uint8_t host_order[] = {0, 4, 1, 0, 0, 0}; /* for `nft list`: numbers, not addresses */
	struct nlmsghdr *m = piece_begin(wish, set->table, NFT_MSG_NEWSET, NLM_F_CREATE);

	mnl_attr_put_strz(m, NFTA_SET_NAME, set->name);
	nft_put_be32(m, NFTA_SET_FLAGS, set->flags);
	nft_put_be32(m, NFTA_SET_KEY_TYPE, set->type);
	nft_put_be32(m, NFTA_SET_KEY_LEN, set->length);
	if (set->type == TYPE_LINK || set->type == TYPE_USER)
		mnl_attr_put(m, NFTA_SET_USERDATA, sizeof host_order, host_order);
	nft_put_be32(m, NFTA_SET_ID, id); /* asked for, though names would do */
	piece_end(wish, m);
}

void nft_put_hook(struct nlmsghdr *m, uint32_t hook, int32_t priority, const char *device)
{
	struct nlattr *nest = mnl_attr_nest_start(m, NFTA_CHAIN_HOOK);

	nft_put_be32(m, NFTA_HOOK_HOOKNUM, hook);
	nft_put_be32(m, NFTA_HOOK_PRIORITY, (uint32_t)priority);
	if (device != NULL)
		mnl_attr_put_strz(m, NFTA_HOOK_DEV, device);
	mnl_attr_nest_end(m, nest);
	mnl_attr_put_strz(m, NFTA_CHAIN_TYPE, "filter");
}

static void put_chain(struct nft_wish *wish, const struct chain *chain, const char *device)
{
	struct nlmsghdr *m = piece_begin(wish, chain->table, NFT_MSG_NEWCHAIN, NLM_F_CREATE);

	mnl_attr_put_strz(m, NFTA_CHAIN_NAME, chain->name);
	if (chain->hook >= 0) {
		nft_put_hook(m, (uint32_t)chain->hook, chain->priority, device);
		nft_put_be32(m, NFTA_CHAIN_POLICY, chain->policy);
	}
	piece_end(wish, m);
}

static struct nlmsghdr *rule_begin(struct nft_wish *wish, unsigned table, const char *chain)
{
	struct nlmsghdr *m = piece_begin(wish, table, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND);

	mnl_attr_put_strz(m, NFTA_RULE_CHAIN, chain);
	wish->list = mnl_attr_nest_start(m, NFTA_RULE_EXPRESSIONS);
	return m;
}

static void rule_end(struct nft_wish *wish, struct nlmsghdr *m)
{
	mnl_attr_nest_end(m, wish->list);
	piece_end(wish, m);
}

/* --- expressions: one function per kind ---------------------------------- */

struct expression {
	struct nlattr *element, *data;
};

/* Most of an expression is pairs of an attribute and a number. */
#define PAIRS(...) (const uint32_t[]){__VA_ARGS__}, sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t)

static struct expression begin(struct nlmsghdr *m, const char *name, const uint32_t *pairs, size_t count)
{
	struct expression x = {.element = mnl_attr_nest_start(m, NFTA_LIST_ELEM)};

	mnl_attr_put_strz(m, NFTA_EXPR_NAME, name);
	x.data = mnl_attr_nest_start(m, NFTA_EXPR_DATA);
	for (size_t i = 0; i < count; i += 2)
		nft_put_be32(m, (uint16_t)pairs[i], pairs[i + 1]);
	return x;
}

static void end(struct nlmsghdr *m, struct expression x)
{
	mnl_attr_nest_end(m, x.data);
	mnl_attr_nest_end(m, x.element);
}

static void put_value(struct nlmsghdr *m, uint16_t type, const void *value, size_t size)
{
	struct nlattr *nest = mnl_attr_nest_start(m, type);

	mnl_attr_put(m, NFTA_DATA_VALUE, size, value);
	mnl_attr_nest_end(m, nest);
}

static void meta(struct nlmsghdr *m, uint32_t key, uint32_t reg)
{
	end(m, begin(m, "meta", PAIRS(NFTA_META_KEY, key, NFTA_META_DREG, reg)));
}

static void payload(struct nlmsghdr *m, uint32_t base, uint32_t offset, uint32_t size, uint32_t reg)
{
	end(m, begin(m, "payload",
		     PAIRS(NFTA_PAYLOAD_DREG, reg, NFTA_PAYLOAD_BASE, base, NFTA_PAYLOAD_OFFSET, offset,
			   NFTA_PAYLOAD_LEN, size)));
}

static void ct(struct nlmsghdr *m, uint32_t key, bool original)
{
	struct expression x = begin(m, "ct", PAIRS(NFTA_CT_KEY, key, NFTA_CT_DREG, NFT_REG_1));

	if (original)
		mnl_attr_put_u8(m, NFTA_CT_DIRECTION, IP_CT_DIR_ORIGINAL);
	end(m, x);
}

static void compare(struct nlmsghdr *m, uint32_t operation, const void *value, size_t size)
{
	struct expression x = begin(m, "cmp", PAIRS(NFTA_CMP_SREG, NFT_REG_1, NFTA_CMP_OP, operation));

	put_value(m, NFTA_CMP_DATA, value, size);
	end(m, x);
}

static void mask(struct nlmsghdr *m, const void *bits, size_t size)
{
	static const uint8_t zero[16];
	struct expression x = begin(m, "bitwise",
				    PAIRS(NFTA_BITWISE_SREG, NFT_REG_1, NFTA_BITWISE_DREG, NFT_REG_1,
					  NFTA_BITWISE_LEN, (uint32_t)size));

	put_value(m, NFTA_BITWISE_MASK, bits, size);
	put_value(m, NFTA_BITWISE_XOR, zero, size);
	end(m, x);
}

static void look_up(struct nlmsghdr *m, const char *set, bool inverted)
{
	struct expression x =
	    begin(m, "lookup", PAIRS(NFTA_LOOKUP_SREG, NFT_REG_1, NFTA_LOOKUP_FLAGS, inverted));

	mnl_attr_put_strz(m, NFTA_LOOKUP_SET, set);
	end(m, x);
}

static void verdict(struct nlmsghdr *m, int code, const char *chain)
{
	struct expression x = begin(m, "immediate", PAIRS(NFTA_IMMEDIATE_DREG, NFT_REG_VERDICT));
	struct nlattr *data = mnl_attr_nest_start(m, NFTA_IMMEDIATE_DATA);
	struct nlattr *nest = mnl_attr_nest_start(m, NFTA_DATA_VERDICT);

	nft_put_be32(m, NFTA_VERDICT_CODE, (uint32_t)code);
	if (chain != NULL)
		mnl_attr_put_strz(m, NFTA_VERDICT_CHAIN, chain);
	mnl_attr_nest_end(m, nest);
	mnl_attr_nest_end(m, data);
	end(m, x);
}

static void set_mark(struct nlmsghdr *m)
{
	struct expression x = begin(m, "immediate", PAIRS(NFTA_IMMEDIATE_DREG, NFT_REG_1));

	put_value(m, NFTA_IMMEDIATE_DATA, &(uint32_t){POLICY_NFT_MARK}, sizeof(uint32_t));
	end(m, x);
	end(m, begin(m, "meta", PAIRS(NFTA_META_KEY, NFT_META_MARK, NFTA_META_SREG, NFT_REG_1)));
}

static void count(struct nlmsghdr *m)
{
	struct expression x = begin(m, "objref", PAIRS(NFTA_OBJREF_IMM_TYPE, NFT_OBJECT_COUNTER));

	mnl_attr_put_strz(m, NFTA_OBJREF_IMM_NAME, "blocked");
	end(m, x);
}

static void reject(struct nlmsghdr *m, uint32_t type, uint8_t code)
{
	struct expression x = begin(m, "reject", PAIRS(NFTA_REJECT_TYPE, type));

	mnl_attr_put_u8(m, NFTA_REJECT_ICMP_CODE, code);
	end(m, x);
}

static void equals8(struct nlmsghdr *m, uint8_t value)
{
	compare(m, NFT_CMP_EQ, &value, sizeof value);
}

static void equals16(struct nlmsghdr *m, uint16_t value)
{
	compare(m, NFT_CMP_EQ, &(uint16_t){htons(value)}, sizeof value);
}

static void equals32(struct nlmsghdr *m, uint32_t value) /* host order */
{
	compare(m, NFT_CMP_EQ, &value, sizeof value);
}

/* --- matches of a rule ---------------------------------------------------- */

static void match_link(struct nlmsghdr *m, uint32_t key, enum rule_link link, bool loopback_too)
{
	if (link == LINK_ANY)
		return;
	meta(m, key, NFT_REG_1);
	if (link == LINK_LOOPBACK) {
		equals32(m, LOOPBACK);
		return;
	}
	if (link == LINK_PHYSICAL && loopback_too) {
		compare(m, NFT_CMP_NEQ, &(uint32_t){LOOPBACK}, sizeof(uint32_t));
		meta(m, key, NFT_REG_1);
	}
	look_up(m, policy_set_name(SET_TUNNEL), link == LINK_PHYSICAL);
}

static void match_links(struct nlmsghdr *m, const struct rule *rule)
{
	bool inbound = rule->hook == RULE_ARRIVE || rule->hook == RULE_IN;

	/* IN and OUT have decided about loopback and the tunnel by then. */
	if (rule->link != LINK_PHYSICAL || (rule->hook != RULE_IN && rule->hook != RULE_OUT))
		match_link(m, inbound ? NFT_META_IIF : NFT_META_OIF, rule->link, rule->hook == RULE_ARRIVE);
	match_link(m, NFT_META_IIF, rule->from, false);
}

static void match_family(const struct nft_wish *wish, struct nlmsghdr *m, const struct rule *rule)
{
	if (rule->family == NET_NONE)
		return;
	if (rule->hook == RULE_EGRESS) {
		meta(m, NFT_META_PROTOCOL, NFT_REG_1);
		equals16(m, rule->family == NET_IPV4 ? ETHERTYPE_IP : ETHERTYPE_IPV6);
	} else if (wish->features.ipv6) {
		meta(m, NFT_META_NFPROTO, NFT_REG_1);
		equals8(m, rule->family == NET_IPV4 ? NFPROTO_IPV4 : NFPROTO_IPV6);
	}
}

static void set_name(char *name, size_t size, enum rule_set set, uint8_t family)
{
	snprintf(name, size, "%s%u", policy_set_name(set), family);
}

static void match_prefix(struct nlmsghdr *m, const struct net_prefix *prefix)
{
	size_t size = prefix->address.family == NET_IPV4 ? 4 : 16;
	uint8_t bits[16] = {0};

	if (prefix->length < size * 8) {
		for (size_t i = 0; i < prefix->length; i++)
			bits[i / 8] |= (uint8_t)(0x80 >> i % 8);
		mask(m, bits, size);
	}
	compare(m, NFT_CMP_EQ, prefix->address.bytes, size);
}

/* An address in register 1; for the endpoint also protocol and port behind it. */
static void match_address(struct nlmsghdr *m, enum rule_set set, uint8_t family, bool source)
{
	static const struct situation nowhere;
	struct net_prefix prefix;
	bool v4 = family == NET_IPV4;
	char name[32];

	if (set == SET_ANY)
		return;
	payload(m, NFT_PAYLOAD_NETWORK_HEADER, v4 ? (source ? 12 : 16) : (source ? 8 : 24), v4 ? 4 : 16,
		NFT_REG_1);
	if ((set == SET_LINK_LOCAL || set == SET_ALL_ROUTERS) &&
	    policy_members(set, &nowhere, family, &prefix, 1) == 1) {
		match_prefix(m, &prefix);
		return;
	}
	if (set == SET_ENDPOINT) {
		meta(m, NFT_META_L4PROTO, v4 ? NFT_REG32_01 : NFT_REG_2);
		payload(m, NFT_PAYLOAD_TRANSPORT_HEADER, source ? 0 : 2, 2, v4 ? NFT_REG32_02 : NFT_REG32_05);
	}
	set_name(name, sizeof name, set, family);
	look_up(m, name, false);
}

static void match_port(struct nlmsghdr *m, uint16_t port, enum rule_set ports, uint32_t offset)
{
	if (port == 0 && ports == SET_ANY)
		return;
	payload(m, NFT_PAYLOAD_TRANSPORT_HEADER, offset, 2, NFT_REG_1);
	if (port != 0)
		equals16(m, port);
	else
		look_up(m, policy_set_name(ports), false);
}

static void match_byte(struct nlmsghdr *m, uint32_t base, uint32_t offset, uint8_t value)
{
	payload(m, base, offset, 1, NFT_REG_1);
	equals8(m, value);
}

static void match_protocol(struct nlmsghdr *m, const struct rule *rule)
{
	if (rule->proto != 0) {
		meta(m, NFT_META_L4PROTO, NFT_REG_1);
		equals8(m, rule->proto);
	}
	match_port(m, rule->source_port, rule->source_ports, 0);
	match_port(m, rule->destination_port, rule->destination_ports, 2);
	if (rule->icmp_type != RULE_NO_TYPE)
		match_byte(m, NFT_PAYLOAD_TRANSPORT_HEADER, 0, (uint8_t)rule->icmp_type);
	if (rule->icmp_code_0)
		match_byte(m, NFT_PAYLOAD_TRANSPORT_HEADER, 1, 0);
	if (rule->hop_limit != 0)
		match_byte(m, NFT_PAYLOAD_NETWORK_HEADER, rule->family == NET_IPV4 ? 8 : 7, rule->hop_limit);
}

/* skb protocol and the frame's own type: a packet socket may lie about the first. */
static void match_ether_type(struct nlmsghdr *m, uint16_t type)
{
	if (type == 0)
		return;
	meta(m, NFT_META_PROTOCOL, NFT_REG_1);
	equals16(m, type);
	payload(m, NFT_PAYLOAD_LL_HEADER, 12, 2, NFT_REG_1);
	equals16(m, type);
}

static void match_owner(struct nlmsghdr *m, enum rule_owner owner, const struct situation *s)
{
	if (owner == OWNER_ANY)
		return;
	meta(m, owner == OWNER_OPENVPN_GROUP ? NFT_META_SKGID : NFT_META_SKUID, NFT_REG_1);
	if (owner == OWNER_DHCP_USERS)
		look_up(m, policy_set_name(SET_DHCP_USERS), false);
	else
		equals32(m, owner == OWNER_OPENVPN_GROUP ? s->openvpn_group.number : s->driver_user.number);
}

static void match_flow(struct nlmsghdr *m, const struct rule *rule)
{
	uint32_t state =
	    rule->flow == FLOW_REPLY ? NF_CT_STATE_BIT(IP_CT_ESTABLISHED) : NF_CT_STATE_BIT(IP_CT_RELATED);
	char name[32];

	if (rule->flow == FLOW_ANY)
		return;
	ct(m, NFT_CT_STATE, false);
	mask(m, &state, sizeof state);
	compare(m, NFT_CMP_NEQ, &(uint32_t){0}, sizeof(uint32_t));
	ct(m, NFT_CT_DIRECTION, false);
	equals8(m, IP_CT_DIR_REPLY);
	if (rule->flow == FLOW_RELATED && rule->destination != SET_ANY) {
		ct(m, rule->family == NET_IPV4 ? NFT_CT_DST_IP : NFT_CT_DST_IP6, true);
		set_name(name, sizeof name, rule->destination, rule->family);
		look_up(m, name, false);
	}
}

static void put_action(struct nlmsghdr *m, const struct rule *rule)
{
	bool sends = rule->hook == RULE_OUT || rule->hook == RULE_FORWARD || rule->hook == RULE_EGRESS;

	if (rule->action == RULE_PASS) {
		if (sends && rule->link != LINK_LOOPBACK)
			set_mark(m);
		verdict(m, NF_ACCEPT, NULL);
	} else if (rule->hook == RULE_OUT) {
		verdict(m, NFT_GOTO, "stop");
	} else {
		if (sends)
			count(m);
		verdict(m, NF_DROP, NULL);
	}
}

static bool is_left_out(const struct nft_wish *wish, const struct rule *rule, const struct situation *s)
{
	return (rule->family == NET_IPV6 && !wish->features.ipv6) ||
	       (rule->owner == OWNER_OPENVPN_GROUP && !s->openvpn_group.known) ||
	       (rule->owner == OWNER_DRIVER_USER && !s->driver_user.known);
}

static void put_rule(struct nft_wish *wish, const struct rule *rule, const struct situation *s)
{
	unsigned table = rule->hook == RULE_EGRESS ? NFT_NETDEV : NFT_INET;
	struct nlmsghdr *m = rule_begin(wish, table, chain_of[rule->hook]);

	match_links(m, rule);
	match_ether_type(m, rule->ether_type);
	match_family(wish, m, rule);
	match_address(m, rule->source, rule->family, true);
	if (rule->flow != FLOW_RELATED)
		match_address(m, rule->destination, rule->family, false);
	match_protocol(m, rule);
	match_owner(m, rule->owner, s);
	match_flow(m, rule);
	put_action(m, rule);
	rule_end(wish, m);
}

/* --- the whole -------------------------------------------------------------- */

static void put_verdict_rule(struct nft_wish *wish, unsigned table, const char *chain, int code,
			     const char *to)
{
	struct nlmsghdr *m = rule_begin(wish, table, chain);

	verdict(m, code, to);
	rule_end(wish, m);
}

static void put_stop_rules(struct nft_wish *wish)
{
	struct nlmsghdr *m = rule_begin(wish, NFT_INET, "stop");

	count(m);
	rule_end(wish, m);
	m = rule_begin(wish, NFT_INET, "stop"); /* an ICMP error would leave connect() waiting */
	meta(m, NFT_META_L4PROTO, NFT_REG_1);
	equals8(m, NET_TCP);
	reject(m, NFT_REJECT_TCP_RST, 0);
	rule_end(wish, m);
	m = rule_begin(wish, NFT_INET, "stop");
	if (wish->features.ipv6)
		reject(m, NFT_REJECT_ICMPX_UNREACH, NFT_REJECT_ICMPX_ADMIN_PROHIBITED);
	else
		reject(m, NFT_REJECT_ICMP_UNREACH, ICMP_PKT_FILTERED);
	rule_end(wish, m);
	put_verdict_rule(wish, NFT_INET, "stop", NF_DROP, NULL);
}

/* What a pause passes: before the first rule that stops. */
static void put_pause_rule(struct nft_wish *wish, unsigned table, const char *chain, uint32_t key,
			   const char *set, bool marks)
{
	struct nlmsghdr *m = rule_begin(wish, table, chain);

	meta(m, key, NFT_REG_1);
	look_up(m, set, false);
	if (marks)
		set_mark(m);
	verdict(m, NF_ACCEPT, NULL);
	rule_end(wish, m);
}

static void put_rules_of(struct nft_wish *wish, enum rule_hook hook, const struct situation *s)
{
	size_t total;
	const struct rule *rules = policy_table(&total);
	bool paused = false;

	for (size_t i = 0; i < total; i++) {
		if (rules[i].hook != hook || is_left_out(wish, &rules[i], s))
			continue;
		if (rules[i].action == RULE_STOP && !paused && hook != RULE_ARRIVE && hook != RULE_EGRESS)
			put_pause_rule(wish, NFT_INET, chain_of[hook], NFT_META_NFPROTO, "paused",
				       hook != RULE_IN);
		paused = paused || rules[i].action == RULE_STOP;
		put_rule(wish, &rules[i], s);
	}
}

/* No base chain leans on its policy: a new chain's takes effect late. The last
 * rule of each drops by itself, and no look-up stands before it. */
static void put_inet_rules(struct nft_wish *wish, const struct situation *s)
{
	put_stop_rules(wish);
	put_rules_of(wish, RULE_ARRIVE, s);
	put_verdict_rule(wish, NFT_INET, "arrive", NF_ACCEPT, NULL);
	put_rules_of(wish, RULE_IN, s);
	put_rules_of(wish, RULE_OUT, s);
	put_verdict_rule(wish, NFT_INET, "out", NF_DROP, NULL);
	put_rules_of(wish, RULE_FORWARD, s);
}

static void put_egress_rules(struct nft_wish *wish, const struct situation *s)
{
	struct nlmsghdr *m;

	m = rule_begin(wish, NFT_NETDEV, "egress");
	meta(m, NFT_META_MARK, NFT_REG_1);
	equals32(m, POLICY_NFT_MARK);
	verdict(m, NF_ACCEPT, NULL);
	rule_end(wish, m);
	put_pause_rule(wish, NFT_NETDEV, "egress", NFT_META_OIF, "paused_links", false);
	put_rules_of(wish, RULE_EGRESS, s);
}

static void put_standing(struct nft_wish *wish, unsigned table, const struct situation *s)
{
	piece_end(wish,
		  piece_begin(wish, table, NFT_MSG_NEWTABLE, NLM_F_CREATE)); /* flags: nft_table_flags */
	put_counter(wish, table);
	for (unsigned i = 0; i < NFT_SETS; i++)
		if (nft_sets[i].table == table)
			put_set(wish, &nft_sets[i], i + 1);
	for (size_t i = 0; i < sizeof chains / sizeof chains[0]; i++)
		if (chains[i].table == table)
			put_chain(wish, &chains[i], NULL);
	if (table == NFT_INET)
		put_inet_rules(wish, s);
	else
		put_egress_rules(wish, s);
}

static int check_known(const struct identity *identity, const char *which, struct err *e)
{
	if (!identity->known && identity->name[0] != '\0')
		return err_set(e, "%s %s is not known here by number", which, identity->name);
	return 0;
}

static bool same_identity(const struct identity *a, const struct identity *b)
{
	return a->known == b->known && (!a->known || a->number == b->number);
}

int nft_wish_rules(struct nft_wish *wish, const struct situation *s, struct err *e)
{
	if (check_known(&s->openvpn_group, "group", e) == -1 ||
	    check_known(&s->driver_user, "user", e) == -1 || check_known(&s->dhcp_user, "user", e) == -1)
		return -1;
	if (wish->standing != 0 && same_identity(&wish->group, &s->openvpn_group) &&
	    same_identity(&wish->driver, &s->driver_user))
		return 0;
	wish->messages.used = wish->count = 0;
	wish->messages.full = false;
	put_standing(wish, NFT_INET, s);
	if (wish->features.egress)
		put_standing(wish, NFT_NETDEV, s);
	wish->standing = wish->count;
	wish->group = s->openvpn_group;
	wish->driver = s->driver_user;
	return wish->messages.full ? err_set(e, "the rules do not fit into their buffer") : 1;
}

static void put_link(struct nft_wish *wish, size_t link)
{
	char name[32];
	struct chain chain = {name, NFT_NETDEV, NF_NETDEV_EGRESS, 0, NF_DROP};
	size_t first = wish->count;

	snprintf(name, sizeof name, "link_%u", wish->links[link].index);
	put_chain(wish, &chain, wish->links[link].name);
	put_verdict_rule(wish, NFT_NETDEV, name, NFT_JUMP, "egress");
	put_verdict_rule(wish, NFT_NETDEV, name, NF_DROP, NULL);
	for (size_t i = first; i < wish->count; i++)
		wish->pieces[i].link = (int8_t)link;
}

/* Puts the links' chains behind the standing pieces, in place of the old ones. */
void nft_wish_links(struct nft_wish *wish)
{

	if (wish->count > wish->standing)
		wish->messages.used = wish->pieces[wish->standing].offset;
	wish->count = wish->standing;
	for (size_t i = 0; i < wish->link_count && wish->features.egress; i++)
		if (wish->links[i].index != 0)
			put_link(wish, i);
}

/* --- elements ----------------------------------------------------------------- */

static void add_element(struct nft_elements *elements, const void *key, size_t size, bool is_end)
{
	struct nft_element *element = &elements->list[elements->count];

	if (elements->count == NFT_ELEMENTS)
		return; /* can't be: NFT_ELEMENTS is twice what policy_members gives */
	memset(element, 0, sizeof *element);
	memcpy(element->key, key, size);
	element->end = is_end;
	elements->count++;
}

/* The first address behind the prefix; false if there is none. */
static bool address_behind(const struct net_prefix *prefix, size_t size, uint8_t *address)
{
	size_t i = prefix->length == 0 ? 0 : (prefix->length - 1u) / 8u;
	unsigned sum;

	memcpy(address, prefix->address.bytes, size);
	if (prefix->length == 0)
		return false;
	sum = address[i] + (0x80u >> (prefix->length - 1u) % 8u);
	address[i] = (uint8_t)sum;
	while (sum > 0xff && i > 0) {
		sum = address[--i] + 1u;
		address[i] = (uint8_t)sum;
	}
	return sum <= 0xff;
}

static void add_endpoint(struct nft_elements *elements, const struct nft_set *set,
			 const struct net_endpoint *endpoint)
{
	uint8_t key[NFT_KEY] = {0};
	size_t size = set->family == NET_IPV4 ? 4 : 16;

	memcpy(key, endpoint->address.bytes, size);
	key[size] = endpoint->proto; /* each field fills 4 bytes */
	key[size + 4] = (uint8_t)(endpoint->port >> 8);
	key[size + 5] = (uint8_t)endpoint->port;
	add_element(elements, key, set->length, false);
}

static void add_addresses(struct nft_elements *elements, const struct nft_set *set, const struct situation *s)
{
	struct net_prefix members[RULE_MEMBERS_MAX];
	size_t total = policy_members(set->set, s, set->family, members, RULE_MEMBERS_MAX);
	uint8_t behind[16];

	for (size_t i = 0; i < total && i < RULE_MEMBERS_MAX; i++) {
		if (set->set == SET_ENDPOINT) {
			add_endpoint(elements, set, &s->endpoint);
			continue;
		}
		add_element(elements, members[i].address.bytes, set->length, false);
		if ((set->flags & NFT_SET_INTERVAL) && address_behind(&members[i], set->length, behind))
			add_element(elements, behind, set->length, true);
	}
}

static void add_others(struct nft_elements *elements, const struct nft_set *set, const struct situation *s)
{
	static const uint8_t dns_ports[][2] = {{0, 53}, {853 >> 8, 853 & 0xff}};
	uint32_t root = 0;

	if (set->set == SET_TUNNEL && s->state == POLICY_OPEN)
		add_element(elements, &s->tunnel.index, sizeof s->tunnel.index, false);
	if (set->set == SET_DHCP_USERS) {
		add_element(elements, &root, sizeof root, false);
		if (s->dhcp_user.known && s->dhcp_user.number != root)
			add_element(elements, &s->dhcp_user.number, sizeof s->dhcp_user.number, false);
	}
	for (size_t i = 0; i < 2 && set->set == SET_DNS_PORTS; i++)
		add_element(elements, dns_ports[i], 2, false);
}

/* The pause's sets are wanted empty: any policy ends a pause. */
void nft_wish_elements(struct nft_wish *wish, const struct situation *s)
{
	for (unsigned i = 0; i < NFT_SETS; i++) {
		wish->want[i].count = 0;
		if (nft_sets[i].family != NET_NONE)
			add_addresses(&wish->want[i], &nft_sets[i], s);
		else
			add_others(&wish->want[i], &nft_sets[i], s);
	}
}

static void put_element(struct nlmsghdr *m, const struct nft_set *set, const struct nft_element *element,
			uint32_t timeout)
{
	struct nlattr *nest = mnl_attr_nest_start(m, NFTA_LIST_ELEM);

	if (element->end)
		nft_put_be32(m, NFTA_SET_ELEM_FLAGS, NFT_SET_ELEM_INTERVAL_END);
	if (timeout != 0)
		mnl_attr_put_u64(m, NFTA_SET_ELEM_TIMEOUT, htobe64(timeout));
	put_value(m, NFTA_SET_ELEM_KEY, element->key, set->length);
	mnl_attr_nest_end(m, nest);
}

static struct nlmsghdr *elements_begin(struct nft_buffer *to, const struct nft_wish *wish, unsigned set,
				       uint16_t type, uint16_t flags)
{
	struct nlmsghdr *m = nft_message(to, type, flags, nft_family(&wish->features, nft_sets[set].table));

	mnl_attr_put_strz(m, NFTA_SET_ELEM_LIST_TABLE, POLICY_NFT_TABLE);
	mnl_attr_put_strz(m, NFTA_SET_ELEM_LIST_SET, nft_sets[set].name);
	return m;
}

void nft_put_set(struct nft_buffer *to, const struct nft_wish *wish, unsigned set, bool flush,
		 uint32_t timeout)
{
	const struct nft_elements *elements = &wish->want[set];
	struct nlmsghdr *m;
	struct nlattr *list;

	if (flush)
		nft_message_end(to, elements_begin(to, wish, set, NFT_MSG_DELSETELEM, 0));
	if (elements->count == 0)
		return;
	m = elements_begin(to, wish, set, NFT_MSG_NEWSETELEM, NLM_F_CREATE);
	list = mnl_attr_nest_start(m, NFTA_SET_ELEM_LIST_ELEMENTS);
	for (size_t i = 0; i < elements->count; i++)
		put_element(m, &nft_sets[set], &elements->list[i], timeout);
	mnl_attr_nest_end(m, list);
	nft_message_end(to, m);
}
