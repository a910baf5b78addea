/* The desired rule set: two tables, their sets and chains, and every rule in its chain. */
#include "os/firewall/nft/desired.h"

#include <stdio.h>
#include <string.h>

#include <linux/icmp.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include "os/firewall/nft/expressions.h"
#include "os/firewall/nft/rule_message.h"
#include "policy/print.h"

static const struct chain {
	const char *name;
	uint8_t table;
	int8_t hook; /* -1: a chain that others jump to */
	int32_t priority;
	uint32_t policy;
	enum rule_gateway gateway;
	const char *type; /* NULL: filter */
} chains[] = {
    {"stop", NFT_INET, -1, 0, 0, GATEWAY_EITHER, NULL},
    {"refuse", NFT_INET, -1, 0, 0, GATEWAY_ONLY, NULL},
    {POLICY_NFT_QUESTIONS, NFT_INET, -1, 0, 0, GATEWAY_NEVER, NULL},
    {POLICY_NFT_ANSWERS, NFT_INET, -1, 0, 0, GATEWAY_NEVER, NULL},
    {NFT_PHYSICAL, NFT_INET, -1, 0, 0, GATEWAY_EITHER, NULL},
    /* "arrive": before anything else looks; "in": after conntrack and NAT */
    {"arrive", NFT_INET, NF_INET_PRE_ROUTING, -300, NF_ACCEPT, GATEWAY_EITHER, NULL},
    {"in", NFT_INET, NF_INET_LOCAL_IN, 1000, NF_DROP, GATEWAY_EITHER, NULL},
    {"out", NFT_INET, NF_INET_LOCAL_OUT, 1000, NF_DROP, GATEWAY_EITHER, NULL},
    {"forward", NFT_INET, NF_INET_FORWARD, 1000, NF_DROP, GATEWAY_EITHER, NULL},
    {"leave", NFT_INET, NF_INET_POST_ROUTING, POLICY_NFT_LAST, NF_DROP, GATEWAY_EITHER, NULL},
    {"translate", NFT_INET, NF_INET_POST_ROUTING, 100, NF_ACCEPT, GATEWAY_ONLY, "nat"},
    {"egress", NFT_NETDEV, -1, 0, 0, GATEWAY_EITHER, NULL},
    {"bridged", NFT_BRIDGE, NF_INET_FORWARD, -200, NF_ACCEPT, GATEWAY_ONLY, NULL},
};

bool nft_is_used(const struct nft_desired *desired, unsigned table)
{
	if (table == NFT_BRIDGE)
		return desired->gateway && desired->features.bridge;
	return table == NFT_INET || desired->features.egress;
}

bool nft_names_links(const struct nft_features *features)
{
	return features->egress && !features->every_link;
}

static bool stands_with(const struct nft_desired *desired, enum rule_gateway gateway)
{
	return gateway == GATEWAY_EITHER || (gateway == GATEWAY_ONLY) == desired->gateway;
}

bool nft_has_set(const struct nft_desired *desired, unsigned set)
{
	if (set == NFT_TUNNEL_LINKS && !desired->features.every_link) /* the tunnel has no chain then */
		return false;
	return nft_is_used(desired, nft_sets[set].table) &&
	       stands_with(desired, nft_gateway_of(&nft_sets[set]));
}

bool nft_is_filled(const struct nft_desired *desired, unsigned set)
{
	return nft_has_set(desired, set) && !nft_is_dynamic(&nft_sets[set]);
}

/* --- pieces ------------------------------------------------------------- */

const struct nlmsghdr *nft_piece_message(const struct nft_desired *desired, const struct nft_piece *piece)
{
	return (const void *)(desired->messages.bytes + piece->offset);
}

static struct nlmsghdr *piece_begin(struct nft_desired *desired, unsigned table, uint16_t type,
				    uint16_t flags)
{
	struct nlmsghdr *m = nft_message_of(&desired->messages, &desired->features, table, type, flags);

	if (desired->count < NFT_PIECES)
		desired->pieces[desired->count++] = (struct nft_piece){
		    .offset = (uint32_t)desired->messages.used, .table = (uint8_t)table, .link = -1};
	else
		desired->messages.full = true;
	return m;
}

static void piece_end(struct nft_desired *desired, const struct nlmsghdr *m)
{
	nft_message_end(&desired->messages, m);
}

static void put_counter(struct nft_desired *desired, unsigned table)
{
	struct nlmsghdr *m = piece_begin(desired, table, NFT_MSG_NEWOBJ, NLM_F_CREATE);

	nft_put_text(m, NFTA_OBJ_NAME, "blocked");
	nft_put_be32(m, NFTA_OBJ_TYPE, NFT_OBJECT_COUNTER);
	nft_nest_end(m, nft_nest_begin(m, NFTA_OBJ_DATA));
	piece_end(desired, m);
}

static void put_set(struct nft_desired *desired, unsigned set)
{
	struct nlmsghdr *m = piece_begin(desired, nft_sets[set].table, NFT_MSG_NEWSET, NLM_F_CREATE);

	nft_put_set(m, set);
	piece_end(desired, m);
}

static void put_hook(struct nlmsghdr *m, const char *type, uint32_t hook, int32_t priority,
		     const char *device)
{
	enum { EVERY_NAME = 2 }; /* NFTA_DEVICE_PREFIX, younger than some headers */
	struct nlattr *nest = nft_nest_begin(m, NFTA_CHAIN_HOOK);

	nft_put_be32(m, NFTA_HOOK_HOOKNUM, hook);
	nft_put_be32(m, NFTA_HOOK_PRIORITY, (uint32_t)priority);
	if (device != NULL && device[0] != '\0') {
		nft_put_text(m, NFTA_HOOK_DEV, device);
	} else if (device != NULL) {
		struct nlattr *devices = nft_nest_begin(m, NFTA_HOOK_DEVS);

		nft_put_text(m, EVERY_NAME, "");
		nft_nest_end(m, devices);
	}
	nft_nest_end(m, nest);
	nft_put_text(m, NFTA_CHAIN_TYPE, type);
}

static void put_chain(struct nft_desired *desired, const struct chain *chain, const char *device)
{
	struct nlmsghdr *m = piece_begin(desired, chain->table, NFT_MSG_NEWCHAIN, NLM_F_CREATE);

	nft_put_text(m, NFTA_CHAIN_NAME, chain->name);
	if (chain->hook >= 0) {
		put_hook(m, chain->type == NULL ? "filter" : chain->type, (uint32_t)chain->hook,
			 chain->priority, device);
		nft_put_be32(m, NFTA_CHAIN_POLICY, chain->policy);
	}
	piece_end(desired, m);
}

static struct nlmsghdr *rule_begin(struct nft_desired *desired, unsigned table, const char *chain)
{
	struct nlmsghdr *m = piece_begin(desired, table, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND);

	nft_put_text(m, NFTA_RULE_CHAIN, chain);
	desired->list = nft_nest_begin(m, NFTA_RULE_EXPRESSIONS);
	return m;
}

static void rule_end(struct nft_desired *desired, struct nlmsghdr *m)
{
	nft_nest_end(m, desired->list);
	piece_end(desired, m);
}

/* --- the rules ---------------------------------------------------------------- */

static void put_verdict_rule(struct nft_desired *desired, unsigned table, const char *chain, int code,
			     const char *to)
{
	struct nlmsghdr *m = rule_begin(desired, table, chain);

	expr_verdict(m, code, to);
	rule_end(desired, m);
}

/* Counts and refuses. Resets are for this machine's own: an ICMP error would leave its connect() waiting. A
 * client's connections may outlive an outage, and a reset of the kernel's goes past its own chains where
 * bridges are filtered. */
static void put_refusal(struct nft_desired *desired, const char *chain, bool resets)
{
	struct nlmsghdr *m = rule_begin(desired, NFT_INET, chain);

	expr_count(m, "blocked");
	rule_end(desired, m);
	if (resets) {
		m = rule_begin(desired, NFT_INET, chain);
		expr_meta(m, NFT_META_L4PROTO, NFT_REG_1);
		expr_equals8(m, NET_TCP);
		expr_reject(m, NFT_REJECT_TCP_RST, 0);
		rule_end(desired, m);
	}
	m = rule_begin(desired, NFT_INET, chain);
	if (desired->features.ipv6)
		expr_reject(m, NFT_REJECT_ICMPX_UNREACH, NFT_REJECT_ICMPX_ADMIN_PROHIBITED);
	else
		expr_reject(m, NFT_REJECT_ICMP_UNREACH, ICMP_PKT_FILTERED);
	rule_end(desired, m);
	put_verdict_rule(desired, NFT_INET, chain, NF_DROP, NULL);
}

/* What a pause passes: before the first rule that stops. It marks nothing: what still waits for a neighbour's
 * address when it ends is stopped at egress, where the pause is looked up again. */
static void put_pause_rule(struct nft_desired *desired, const char *chain, uint32_t key, unsigned set)
{
	struct nlmsghdr *m = rule_begin(desired, nft_sets[set].table, chain);

	expr_meta(m, key, NFT_REG_1);
	expr_look_up(m, nft_sets[set].name);
	expr_verdict(m, NF_ACCEPT, NULL);
	rule_end(desired, m);
}

static void put_rule(struct nft_desired *desired, const char *chain, const struct rule *rule,
		     const struct situation *s)
{
	struct nlmsghdr *m = rule_begin(desired, nft_table_of(rule->hook), chain);

	nft_put_rule(m, rule, &desired->features, s);
	rule_end(desired, m);
}

/* What OUT and LEAVE share: each jumps here before it stops the rest. */
static void put_physical_rules(struct nft_desired *desired, const struct situation *s)
{
	size_t total;
	const struct rule *rules = policy_table(&total);

	for (size_t i = 0; i < total; i++)
		if (policy_is_asked_twice(&rules[i]) && !nft_is_left_out(&rules[i], &desired->features, s))
			put_rule(desired, NFT_PHYSICAL, &rules[i], s);
}

/* Only LEAVE knows by which link a packet leaves, so only LEAVE marks it. What returns from that chain is
 * stopped, marked or not. */
static void put_question(struct nft_desired *desired, enum rule_hook hook)
{
	struct nlmsghdr *m = rule_begin(desired, NFT_INET, nft_chain_of(hook));

	if (hook == RULE_LEAVE)
		expr_set_mark(m, POLICY_NFT_MARK);
	expr_verdict(m, NFT_JUMP, NFT_PHYSICAL);
	rule_end(desired, m);
}

static void put_rules_of(struct nft_desired *desired, enum rule_hook hook, const struct situation *s)
{
	bool leaves = hook == RULE_OUT || hook == RULE_LEAVE;
	bool pauses = leaves || hook == RULE_IN || hook == RULE_FORWARD;
	size_t total;
	const struct rule *rules = policy_table(&total);

	for (size_t i = 0; i < total; i++) {
		if (rules[i].hook != hook || policy_is_asked_twice(&rules[i]) ||
		    nft_is_left_out(&rules[i], &desired->features, s))
			continue;
		if (pauses && rules[i].action != RULE_PASS) {
			put_pause_rule(desired, nft_chain_of(hook), NFT_META_NFPROTO, NFT_PAUSED);
			pauses = false;
		}
		if (leaves && rules[i].row == RULE_LAST_ROW)
			put_question(desired, hook);
		put_rule(desired, nft_chain_of(hook), &rules[i], s);
	}
}

/* A packet that comes here has its claim already, so it passes even if the claim can't be renewed. */
static void put_renewals(struct nft_desired *desired, const char *chain, bool arrives)
{
	for (size_t i = 0; i < POLICY_CLAIMS; i++) {
		struct nlmsghdr *m = rule_begin(desired, NFT_INET, chain);

		nft_put_renewal(m, &policy_claims[i], arrives);
		rule_end(desired, m);
	}
	put_verdict_rule(desired, NFT_INET, chain, NF_ACCEPT, NULL);
}

/* Row 2 is for physical links: the two others are let by first. */
static void put_arrive_rules(struct nft_desired *desired, const struct situation *s)
{
	static const struct rule loopback = {.hook = RULE_ARRIVE, .link = LINK_LOOPBACK},
				 tunnel = {.hook = RULE_ARRIVE, .link = LINK_TUNNEL};

	put_rule(desired, "arrive", &loopback, s);
	put_rule(desired, "arrive", &tunnel, s);
	put_rules_of(desired, RULE_ARRIVE, s);
	put_verdict_rule(desired, NFT_INET, "arrive", NF_ACCEPT, NULL);
}

/* No base chain relies on its policy, because that of a new chain takes effect late. The last rule of each
 * drops unconditionally, and needs no look-up. */
static void put_inet_rules(struct nft_desired *desired, const struct situation *s)
{
	put_refusal(desired, "stop", true);
	if (desired->gateway) {
		put_refusal(desired, "refuse", false);
	} else {
		put_renewals(desired, POLICY_NFT_QUESTIONS, true);
		put_renewals(desired, POLICY_NFT_ANSWERS, false);
	}
	put_arrive_rules(desired, s);
	put_physical_rules(desired, s);
	put_rules_of(desired, RULE_IN, s);
	put_rules_of(desired, RULE_OUT, s);
	put_verdict_rule(desired, NFT_INET, "out", NF_DROP, NULL);
	put_rules_of(desired, RULE_FORWARD, s);
	put_rules_of(desired, RULE_LEAVE, s);
	put_rules_of(desired, RULE_TRANSLATE, s);
}

static void put_egress_rules(struct nft_desired *desired, const struct situation *s)
{
	put_pause_rule(desired, "egress", NFT_META_PKTTYPE, NFT_PAUSED_LINKS);
	put_rules_of(desired, RULE_EGRESS, s);
}

static void put_accept(struct nft_desired *desired, const char *chain, enum rule_link link)
{
	struct nlmsghdr *m = rule_begin(desired, NFT_NETDEV, chain);

	if (link == LINK_TUNNEL) {
		nft_match_tunnel(m, false);
	} else if (link == LINK_LOOPBACK) {
		nft_match_loopback(m, false);
	} else { /* what LEAVE let out, first of all */
		expr_meta(m, NFT_META_MARK, NFT_REG_1);
		expr_equals32(m, POLICY_NFT_MARK);
	}
	expr_verdict(m, NF_ACCEPT, NULL);
	rule_end(desired, m);
}

/* One chain for every link: of today, to come, and renamed; so the two that are not physical are let by. */
static void put_every_link(struct nft_desired *desired)
{
	static const struct chain chain = {"every_link",   NFT_NETDEV, NF_NETDEV_EGRESS, 0, NF_DROP,
					   GATEWAY_EITHER, NULL};

	put_chain(desired, &chain, "");
	put_accept(desired, chain.name, LINK_PHYSICAL);
	put_accept(desired, chain.name, LINK_LOOPBACK);
	put_accept(desired, chain.name, LINK_TUNNEL);
	put_verdict_rule(desired, NFT_NETDEV, chain.name, NFT_JUMP, "egress");
	put_verdict_rule(desired, NFT_NETDEV, chain.name, NF_DROP, NULL);
}

static void put_standing(struct nft_desired *desired, unsigned table, const struct situation *s)
{
	piece_end(desired, piece_begin(desired, table, NFT_MSG_NEWTABLE, NLM_F_CREATE));
	if (table != NFT_BRIDGE) /* it stops nothing */
		put_counter(desired, table);
	for (unsigned i = 0; i < NFT_SETS; i++)
		if (nft_sets[i].table == table && nft_has_set(desired, i))
			put_set(desired, i);
	for (size_t i = 0; i < sizeof chains / sizeof chains[0]; i++)
		if (chains[i].table == table && stands_with(desired, chains[i].gateway))
			put_chain(desired, &chains[i], NULL);
	if (table == NFT_INET)
		put_inet_rules(desired, s);
	else if (table == NFT_NETDEV)
		put_egress_rules(desired, s);
	else
		put_rules_of(desired, RULE_BRIDGE, s);
	if (table == NFT_NETDEV && desired->features.every_link)
		put_every_link(desired);
}

/* --- the whole -------------------------------------------------------------------- */

static int check_known(const struct identity *identity, const char *which, struct err *e)
{
	if (!identity->known && identity->name[0] != '\0')
		return err_set(e, "%s %s is not known on this machine", which, identity->name);
	return 0;
}

static bool same_identity(const struct identity *a, const struct identity *b)
{
	return a->known == b->known && (!a->known || a->number == b->number);
}

int nft_desired_rules(struct nft_desired *desired, const struct situation *s, struct err *e)
{
	if (check_known(&s->openvpn_group, "group", e) == -1 ||
	    check_known(&s->driver_user, "user", e) == -1 || check_known(&s->dhcp_user, "user", e) == -1 ||
	    check_known(&s->portal.group, "group", e) == -1)
		return -1;
	if (desired->standing != 0 && same_identity(&desired->group, &s->openvpn_group) &&
	    same_identity(&desired->driver, &s->driver_user) &&
	    same_identity(&desired->portal, &s->portal.group) &&
	    desired->gateway == (s->lan_side_count > 0) && desired->pppoe == s->pppoe &&
	    desired->lacp == s->lacp)
		return 0;
	desired->count = 0;
	desired->gateway = s->lan_side_count > 0;
	desired->pppoe = s->pppoe;
	desired->lacp = s->lacp;
	nft_buffer_empty(&desired->messages);
	for (unsigned i = 0; i < NFT_TABLES; i++)
		if (nft_is_used(desired, i))
			put_standing(desired, i, s);
	desired->standing = desired->count;
	desired->group = s->openvpn_group;
	desired->driver = s->driver_user;
	desired->portal = s->portal.group;
	return desired->messages.full ? err_set(e, "the rules do not fit into their buffer") : 1;
}

static void put_link(struct nft_desired *desired, size_t link)
{
	char name[32];
	struct chain chain = {name, NFT_NETDEV, NF_NETDEV_EGRESS, 0, NF_DROP, GATEWAY_EITHER, NULL};
	size_t first = desired->count;

	snprintf(name, sizeof name, "link_%u", desired->links[link].index);
	put_chain(desired, &chain, desired->links[link].name);
	put_accept(desired, name, LINK_PHYSICAL);
	put_verdict_rule(desired, NFT_NETDEV, name, NFT_JUMP, "egress");
	put_verdict_rule(desired, NFT_NETDEV, name, NF_DROP, NULL);
	for (size_t i = first; i < desired->count; i++)
		desired->pieces[i].link = (int16_t)link;
}

/* Puts the links' chains after the standing pieces, in place of the old ones. */
void nft_desired_links(struct nft_desired *desired)
{
	if (desired->count > desired->standing)
		desired->messages.used = desired->pieces[desired->standing].offset;
	desired->count = desired->standing;
	for (size_t i = 0; i < desired->link_count && nft_names_links(&desired->features); i++)
		if (desired->links[i].index != 0)
			put_link(desired, i);
}

int nft_link_of(const struct nft_desired *desired, const struct nlmsghdr *message)
{
	for (size_t i = desired->standing; i < desired->count; i++) {
		const struct nlmsghdr *piece = nft_piece_message(desired, &desired->pieces[i]);

		if (piece->nlmsg_type == message->nlmsg_type &&
		    nft_family_of(piece) == nft_family_of(message) &&
		    strcmp(nft_text(piece, nft_name_type(piece)),
			   nft_text(message, nft_name_type(message))) == 0)
			return desired->pieces[i].link;
	}
	return -1;
}

void nft_desired_members(struct nft_desired *desired, const struct situation *s)
{
	for (unsigned i = 0; i < NFT_SETS; i++)
		nft_members(&desired->members[i], &nft_sets[i], s);
	desired->portal_left = nft_sets[NFT_PORTAL].timeout;
}

/* Whoever writes them anew gives them no more than what is left of their time. */
void nft_desired_portal(struct nft_desired *desired, int64_t left)
{
	if (left <= 0)
		desired->members[NFT_PORTAL].count = desired->members[NFT_PORTAL_ANY].count = 0;
	else if (left < desired->portal_left)
		desired->portal_left = (uint32_t)left;
}

uint32_t nft_timeout_of(const struct nft_desired *desired, unsigned set)
{
	return set == NFT_PORTAL || set == NFT_PORTAL_ANY ? desired->portal_left : nft_sets[set].timeout;
}

void nft_desired_pause(struct nft_desired *desired)
{
	enum { PACKET_KINDS = 8 }; /* whom a frame is for: every frame has one of these */
	static const uint8_t families[] = {NFPROTO_IPV4, NFPROTO_IPV6};
	struct nft_elements *paused = &desired->members[NFT_PAUSED],
			    *links = &desired->members[NFT_PAUSED_LINKS];

	paused->count = links->count = 0;
	for (size_t i = 0; i < sizeof families; i++)
		nft_add_element(paused, &families[i], sizeof families[i], false);
	for (unsigned kind = 0; kind < PACKET_KINDS; kind++) {
		uint8_t key = (uint8_t)kind;

		nft_add_element(links, &key, sizeof key, false);
	}
}

void nft_put_probe(struct nft_buffer *to, uint8_t family, uint32_t flags, uint32_t hook, const char *device)
{
	struct nlmsghdr *m = nft_message(to, NFT_MSG_NEWTABLE, NLM_F_CREATE, family);

	nft_put_text(m, NFTA_TABLE_NAME, POLICY_NFT_TABLE "_probe");
	nft_put_be32(m, NFTA_TABLE_FLAGS, flags);
	nft_message_end(to, m);
	m = nft_message(to, NFT_MSG_NEWCHAIN, NLM_F_CREATE, family);
	nft_put_text(m, NFTA_CHAIN_TABLE, POLICY_NFT_TABLE "_probe");
	nft_put_text(m, NFTA_CHAIN_NAME, "probe");
	put_hook(m, "filter", hook, 0, device);
	nft_message_end(to, m);
}
