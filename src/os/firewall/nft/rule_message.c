/* A rule of the promise as nftables' expressions: matches in their order, then the verdict. */
#include "os/firewall/nft/rule_message.h"

#include <net/ethernet.h>
#include <stdio.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_conntrack_tuple_common.h>
#include <linux/netfilter/nf_tables.h>

#include "os/firewall/nft/expressions.h"
#include "policy/print.h"

enum { LOOPBACK = 1 };

const char *nft_chain_of(enum rule_hook hook)
{
	static const char *const names[] = {
	    [RULE_ARRIVE] = "arrive",       [RULE_IN] = "in",          [RULE_OUT] = "out",
	    [RULE_FORWARD] = "forward",     [RULE_LEAVE] = "leave",    [RULE_EGRESS] = "egress",
	    [RULE_TRANSLATE] = "translate", [RULE_BRIDGE] = "bridged",
	};

	return names[hook];
}

unsigned nft_table_of(enum rule_hook hook)
{
	return hook == RULE_EGRESS ? NFT_NETDEV : hook == RULE_BRIDGE ? NFT_BRIDGE : NFT_INET;
}

void nft_match_tunnel(struct nlmsghdr *m, bool arrives)
{
	expr_meta(m, arrives ? NFT_META_IIF : NFT_META_OIF, NFT_REG_1);
	expr_meta(m, arrives ? NFT_META_IIFKIND : NFT_META_OIFKIND, NFT_REG32_01);
	expr_look_up(m, policy_set_name(SET_TUNNEL));
}

void nft_match_loopback(struct nlmsghdr *m, bool arrives)
{
	expr_meta(m, arrives ? NFT_META_IIF : NFT_META_OIF, NFT_REG_1);
	expr_equals32(m, LOOPBACK);
}

/* Physical is what is left: each chain has decided about loopback and the tunnel by then. */
static void match_link(struct nlmsghdr *m, bool arrives, enum rule_link link)
{
	if (link == LINK_LAN_SIDE) { /* by name: it counts from the moment it is there */
		expr_meta(m, arrives ? NFT_META_IIFNAME : NFT_META_OIFNAME, NFT_REG_1);
		expr_look_up(m, policy_set_name(SET_LAN_SIDE));
	} else if (link == LINK_LOOPBACK) {
		nft_match_loopback(m, arrives);
	} else if (link == LINK_TUNNEL) {
		nft_match_tunnel(m, arrives);
	}
}

/* skb protocol and the frame's own type: a packet socket may lie about the first. After the type of PPPoE
 * stand its version and type, and in a session the code 0: in one piece, as nft makes it of the text. */
static void match_ether_type(struct nlmsghdr *m, const struct rule *rule)
{
	uint8_t wanted[] = {(uint8_t)(rule->ether_type >> 8), (uint8_t)rule->ether_type, 0x11, 0};
	size_t size = rule->uplink != UPLINK_PPPOE ? 2 : rule->ppp_protocol == 0 ? 3 : 4;

	if (rule->ether_type == 0)
		return;
	expr_meta(m, NFT_META_PROTOCOL, NFT_REG_1);
	expr_equals16(m, rule->ether_type);
	expr_payload(m, NFT_PAYLOAD_LL_HEADER, 12, (uint32_t)size, NFT_REG_1);
	expr_compare(m, NFT_CMP_EQ, wanted, size);
}

static void match_byte(struct nlmsghdr *m, uint32_t base, uint32_t offset, uint8_t value)
{
	expr_payload(m, base, offset, 1, NFT_REG_1);
	expr_equals8(m, value);
}

/* What a control frame of an uplink must be beside its type: of a PPP protocol that carries no IP; or sent to
 * the address that no bridge passes on. */
static void match_uplink(struct nlmsghdr *m, const struct rule *rule)
{
	static const uint8_t slow_protocols[] = {0x01, 0x80, 0xc2, 0x00, 0x00, 0x02};

	if (rule->uplink == UPLINK_LACP) {
		expr_payload(m, NFT_PAYLOAD_LL_HEADER, 0, sizeof slow_protocols, NFT_REG_1);
		expr_compare(m, NFT_CMP_EQ, slow_protocols, sizeof slow_protocols);
	} else if (rule->ppp_protocol != 0) {
		expr_payload(m, NFT_PAYLOAD_LL_HEADER, 20, 2, NFT_REG_1);
		expr_equals16(m, rule->ppp_protocol);
	}
}

static void match_family(struct nlmsghdr *m, const struct rule *rule, const struct nft_features *features)
{
	if (rule->family == NET_NONE)
		return;
	if (rule->hook == RULE_EGRESS) {
		expr_meta(m, NFT_META_PROTOCOL, NFT_REG_1);
		expr_equals16(m, rule->family == NET_IPV4 ? ETHERTYPE_IP : ETHERTYPE_IPV6);
	} else if (features->ipv6) {
		expr_meta(m, NFT_META_NFPROTO, NFT_REG_1);
		expr_equals8(m, rule->family == NET_IPV4 ? NFPROTO_IPV4 : NFPROTO_IPV6);
	}
}

static void match_prefix(struct nlmsghdr *m, const struct net_prefix *prefix)
{
	size_t size = prefix->address.family == NET_IPV4 ? 4 : 16;
	uint8_t bits[16] = {0};

	if (prefix->length < size * 8) {
		for (size_t i = 0; i < prefix->length; i++)
			bits[i / 8] |= (uint8_t)(0x80 >> i % 8);
		expr_mask(m, bits, size);
	}
	expr_compare(m, NFT_CMP_EQ, prefix->address.bytes, size);
}

static void look_up_address(struct nlmsghdr *m, enum rule_set set, uint8_t family)
{
	char name[32];

	snprintf(name, sizeof name, "%s%u", policy_set_name(set), family);
	expr_look_up(m, name);
}

/* An address in register 1; for the endpoint also protocol and port after it. */
static void match_address(struct nlmsghdr *m, enum rule_set set, uint8_t family, bool source)
{
	static const struct situation nowhere;
	struct net_prefix prefix;
	bool v4 = family == NET_IPV4;

	if (set == SET_ANY)
		return;
	expr_payload(m, NFT_PAYLOAD_NETWORK_HEADER, v4 ? (source ? 12 : 16) : (source ? 8 : 24), v4 ? 4 : 16,
		     NFT_REG_1);
	if ((set == SET_LINK_LOCAL || set == SET_ALL_ROUTERS) &&
	    policy_members(set, &nowhere, family, &prefix, 1) == 1) {
		match_prefix(m, &prefix);
		return;
	}
	if (set == SET_ENDPOINT) {
		expr_meta(m, NFT_META_L4PROTO, v4 ? NFT_REG32_01 : NFT_REG_2);
		expr_payload(m, NFT_PAYLOAD_TRANSPORT_HEADER, source ? 0 : 2, 2,
			     v4 ? NFT_REG32_02 : NFT_REG32_05);
	}
	look_up_address(m, set, family);
}

static void match_port(struct nlmsghdr *m, uint16_t port, enum rule_set ports, uint32_t offset)
{
	if (port == 0 && ports == SET_ANY)
		return;
	if (ports == SET_PORTAL || ports == SET_PORTAL_ANY) {
		expr_meta(m, NFT_META_L4PROTO, NFT_REG_1);
		expr_payload(m, NFT_PAYLOAD_TRANSPORT_HEADER, offset, 2, NFT_REG32_01);
		expr_look_up(m, policy_set_name(ports));
		return;
	}
	expr_payload(m, NFT_PAYLOAD_TRANSPORT_HEADER, offset, 2, NFT_REG_1);
	if (port != 0)
		expr_equals16(m, port);
	else
		expr_look_up(m, policy_set_name(ports));
}

static void match_protocol(struct nlmsghdr *m, const struct rule *rule)
{
	if (rule->proto != 0) {
		expr_meta(m, NFT_META_L4PROTO, NFT_REG_1);
		expr_equals8(m, rule->proto);
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

static void match_owner(struct nlmsghdr *m, enum rule_owner owner, const struct situation *s)
{
	bool group = owner == OWNER_OPENVPN_GROUP || owner == OWNER_PORTAL_GROUP;

	if (owner == OWNER_ANY)
		return;
	expr_meta(m, group ? NFT_META_SKGID : NFT_META_SKUID, NFT_REG_1);
	if (owner == OWNER_DHCP_USERS)
		expr_look_up(m, policy_set_name(SET_DHCP_USERS));
	else if (owner == OWNER_DRIVER_USER)
		expr_equals32(m, s->driver_user.number);
	else
		expr_equals32(m,
			      owner == OWNER_PORTAL_GROUP ? s->portal.group.number : s->openvpn_group.number);
}

/* Matches the destination of the connection's packets in one direction: of the question, or of the answer,
 * which is the source that the question left with. */
static void match_end(struct nlmsghdr *m, enum rule_set set, uint8_t family, uint8_t direction)
{
	if (set == SET_ANY)
		return;
	expr_ct_of(m, family == NET_IPV4 ? NFT_CT_DST_IP : NFT_CT_DST_IP6, direction);
	look_up_address(m, set, family);
}

static void match_flow(struct nlmsghdr *m, const struct rule *rule)
{
	uint32_t state =
	    rule->flow == FLOW_REPLY ? NF_CT_STATE_BIT(IP_CT_ESTABLISHED) : NF_CT_STATE_BIT(IP_CT_RELATED);

	if (rule->flow == FLOW_ANY)
		return;
	expr_ct(m, NFT_CT_STATE);
	expr_mask(m, &state, sizeof state);
	expr_compare(m, NFT_CMP_NEQ, &(uint32_t){0}, sizeof(uint32_t));
	expr_ct(m, NFT_CT_DIRECTION);
	expr_equals8(m, IP_CT_DIR_REPLY);
	if (rule->flow == FLOW_RELATED)
		match_end(m, rule->destination, rule->family, IP_CT_DIR_ORIGINAL);
	match_end(m, rule->asked_from, rule->family, IP_CT_DIR_REPLY);
}

static void load_asker(struct nlmsghdr *m, bool arrives)
{
	expr_ct(m, NFT_CT_ID);
	expr_meta(m, arrives ? NFT_META_IIF : NFT_META_OIF, NFT_REG32_01);
}

/* What is not tracked has no connection: each of these is false then, and the packet stopped. */
static void match_asker(struct nlmsghdr *m, enum rule_asker asker)
{
	if (asker == ASKER_NEW) {
		expr_ct(m, NFT_CT_DIRECTION);
		expr_equals8(m, IP_CT_DIR_ORIGINAL);
		expr_ct(m, NFT_CT_ID);
		expr_is_not_in(m, POLICY_NFT_CLAIMED);
	} else if (asker != ASKER_ANY) {
		load_asker(m, asker == ASKER_CAME);
		expr_look_up(m, POLICY_NFT_ASKED);
	}
}

/* First that the connection is claimed, then by which link: if there is room for only one of them, no link
 * gets the answers. The longest time is set, because `nft list` prints the time of the first entry, and `nft
 * -f` refuses an element that expires later than that. */
static void put_claim(struct nlmsghdr *m)
{
	expr_ct(m, NFT_CT_ID);
	expr_remember(m, NFT_DYNSET_OP_ADD, POLICY_NFT_CLAIMED, 0);
	load_asker(m, true);
	expr_remember(m, NFT_DYNSET_OP_ADD, POLICY_NFT_ASKED, 0);
}

/* For a new connection, the kernel can't tell yet how long it will keep it. */
void nft_put_renewal(struct nlmsghdr *m, const struct policy_claim *claim, bool arrives)
{
	uint32_t known = NF_CT_STATE_BIT(IP_CT_ESTABLISHED) | NF_CT_STATE_BIT(IP_CT_RELATED);

	if (claim->beyond != 0) {
		expr_ct(m, NFT_CT_STATE);
		expr_mask(m, &known, sizeof known);
		expr_compare(m, NFT_CMP_NEQ, &(uint32_t){0}, sizeof(uint32_t));
		expr_ct(m, NFT_CT_EXPIRATION);
		expr_exceeds32(m, claim->beyond * 1000);
	}
	load_asker(m, arrives);
	expr_remember(m, NFT_DYNSET_OP_UPDATE, POLICY_NFT_ASKED, claim->lasts);
	expr_ct(m, NFT_CT_ID);
	expr_remember(m, NFT_DYNSET_OP_UPDATE, POLICY_NFT_CLAIMED, claim->lasts + POLICY_CLAIM_MARGIN);
	expr_verdict(m, NF_ACCEPT, NULL);
}

static void put_stop(struct nlmsghdr *m, const struct rule *rule)
{
	if (policy_is_asked_twice(rule)) { /* to the chain that jumped here, which stops it */
		expr_verdict(m, NFT_RETURN, NULL);
	} else if (rule->hook == RULE_OUT) {
		expr_verdict(m, NFT_GOTO, "stop");
	} else {
		if (rule->hook != RULE_ARRIVE && rule->hook != RULE_IN)
			expr_count(m, "blocked");
		expr_verdict(m, NF_DROP, NULL);
	}
}

static void put_action(struct nlmsghdr *m, const struct rule *rule)
{
	if (policy_is_renewing(rule)) {
		if (rule->asker == ASKER_NEW)
			put_claim(m);
		expr_verdict(m, NFT_GOTO,
			     rule->asker == ASKER_LEAVES ? POLICY_NFT_ANSWERS : POLICY_NFT_QUESTIONS);
	} else if (rule->action == RULE_PASS) {
		if (policy_is_marking(rule))
			expr_set_mark(m, POLICY_NFT_MARK);
		expr_verdict(m, NF_ACCEPT, NULL);
	} else if (rule->action == RULE_MASQUERADE) {
		expr_masquerade(m);
	} else if (rule->action == RULE_REFUSE) {
		expr_verdict(m, NFT_GOTO, "refuse");
	} else {
		put_stop(m, rule);
	}
}

bool nft_is_left_out(const struct rule *rule, const struct nft_features *features, const struct situation *s)
{
	return !policy_stands(rule, s) || (rule->family == NET_IPV6 && !features->ipv6) ||
	       (rule->owner == OWNER_OPENVPN_GROUP && !s->openvpn_group.known) ||
	       (rule->owner == OWNER_DRIVER_USER && !s->driver_user.known);
}

void nft_put_rule(struct nlmsghdr *m, const struct rule *rule, const struct nft_features *features,
		  const struct situation *s)
{
	match_link(m, rule->hook == RULE_ARRIVE || rule->hook == RULE_IN, rule->link);
	match_link(m, true, rule->from);
	match_ether_type(m, rule);
	match_uplink(m, rule);
	match_family(m, rule, features);
	match_address(m, rule->source, rule->family, true);
	if (rule->flow != FLOW_RELATED)
		match_address(m, rule->destination, rule->family, false);
	match_protocol(m, rule);
	match_owner(m, rule->owner, s);
	match_flow(m, rule);
	match_asker(m, rule->asker);
	if (rule->marked) {
		expr_meta(m, NFT_META_MARK, NFT_REG_1);
		expr_equals32(m, POLICY_NFT_MARK);
	}
	put_action(m, rule);
}
