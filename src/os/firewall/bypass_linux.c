/* Traffic control's filters, XDP programs, nft's fwd and dup: they run after the filter's last hook, or
 * before its first. */
#include "os/firewall/bypass.h"

#include <errno.h>
#include <event2/event.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/pkt_cls.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "os/firewall/tc_filter.h"
#include "os/netwatch/linux/attributes.h"
#include "os/netwatch/linux/netlink.h"

enum { WHAT_MAX = 80, DATAGRAMS_A_TURN = 256, QUEUE = 4 * 1024 * 1024, LINKS_MAX = 1024 };

struct bypass_watch {
	struct netlink *netlink, *nft;
	struct event *event, *nft_event;
	bypass_cb *cb;
	void *argument;
	bool changed;
};

static bool was_found; /* a bypass, at the last look: then any change may have ended it */

struct look {
	unsigned links[LINKS_MAX];
	size_t count;
	unsigned link; /* being looked at */
	char what[64]; /* the bypass, "" none */
};

static const char *text_of(const struct nlattr *a)
{
	return a == NULL || mnl_attr_get_payload_len(a) > 32 || mnl_attr_validate(a, MNL_TYPE_NUL_STRING) < 0
		   ? "?"
		   : mnl_attr_get_str(a);
}

/* Where each kind of filter keeps its actions. What is not in this list may do anything. */
static const struct kind {
	const char *name;
	uint16_t actions;
} kinds[] = {{"u32", TCA_U32_ACT},     {"flower", TCA_FLOWER_ACT}, {"matchall", TCA_MATCHALL_ACT},
	     {"basic", TCA_BASIC_ACT}, {"fw", TCA_FW_ACT},         {"route", TCA_ROUTE4_ACT},
	     {"flow", TCA_FLOW_ACT},   {"cgroup", TCA_CGROUP_ACT}};

/* They drop, pass or slow down, and change neither the packet nor where it goes. */
static bool is_harmless_action(const char *name)
{
	return strcmp(name, "gact") == 0 || strcmp(name, "police") == 0;
}

static void note_actions(struct look *look, const struct nlattr *actions)
{
	for (uint16_t place = 1; place <= TCA_ACT_MAX_PRIO; place++) {
		const struct nlattr *action = attributes_find(attributes_inside(actions), place);
		const char *name = text_of(attributes_find(attributes_inside(action), TCA_ACT_KIND));

		if (action != NULL && !is_harmless_action(name) && look->what[0] == '\0')
			snprintf(look->what, sizeof look->what, "a tc filter with the action %s", name);
	}
}

/* A dump names the kind first, then each filter of it (net/sched/cls_api.c, tcf_chain_dump). */
static bool is_heading(const struct nlmsghdr *m, const struct nlattr *options)
{
	const struct tcmsg *tc = mnl_nlmsg_get_payload(m);

	return options == NULL && mnl_nlmsg_get_payload_len(m) >= sizeof *tc && tc->tcm_handle == 0;
}

static void note_filter(const struct nlmsghdr *m, void *argument)
{
	const char *name = text_of(attributes_find(attributes_of(m, sizeof(struct tcmsg)), TCA_KIND));
	const struct nlattr *options = attributes_find(attributes_of(m, sizeof(struct tcmsg)), TCA_OPTIONS);
	struct look *look = argument;

	if (m->nlmsg_type != RTM_NEWTFILTER || look->what[0] != '\0' || tc_filter_is_ours(name, options) ||
	    is_heading(m, options))
		return;
	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
		if (strcmp(kinds[i].name, name) == 0) {
			note_actions(look, attributes_find(attributes_inside(options), kinds[i].actions));
			return;
		}
	snprintf(look->what, sizeof look->what, "a tc filter of the kind %s", name);
}

static bool has_xdp(const struct nlmsghdr *m)
{
	struct attributes of_link = attributes_of(m, sizeof(struct ifinfomsg));
	const struct nlattr *xdp =
	    attributes_find(attributes_inside(attributes_find(of_link, IFLA_XDP)), IFLA_XDP_ATTACHED);

	return xdp != NULL && mnl_attr_get_payload_len(xdp) >= 1 && mnl_attr_get_u8(xdp) != XDP_ATTACHED_NONE;
}

static void note_link(const struct nlmsghdr *m, void *argument)
{
	const struct ifinfomsg *info = mnl_nlmsg_get_payload(m);
	struct look *look = argument;

	if (m->nlmsg_type != RTM_NEWLINK || mnl_nlmsg_get_payload_len(m) < sizeof *info ||
	    (info->ifi_flags & IFF_LOOPBACK) != 0)
		return;
	if (look->count < LINKS_MAX)
		look->links[look->count++] = (unsigned)info->ifi_index;
	if (has_xdp(m) && look->what[0] == '\0') {
		snprintf(look->what, sizeof look->what, "an XDP program");
		look->link = (unsigned)info->ifi_index;
	}
}

static void forget_links(void *argument)
{
	((struct look *)argument)->count = 0;
}

static int query_links(struct netlink *n, struct look *look)
{
	_Alignas(8) char room[128];
	struct nlmsghdr *m = mnl_nlmsg_put_header(room);

	m->nlmsg_type = RTM_GETLINK;
	mnl_nlmsg_put_extra_header(m, sizeof(struct ifinfomsg));
	return netlink_dump(n, m, note_link, forget_links, look);
}

/* Of a link that has gone meanwhile, or has no such place for filters, there are none. */
static int query_filters(struct netlink *n, struct look *look, uint32_t parent)
{
	_Alignas(8) char room[128];
	struct nlmsghdr *m = mnl_nlmsg_put_header(room);
	struct tcmsg *tc = mnl_nlmsg_put_extra_header(m, sizeof *tc);
	int result;

	m->nlmsg_type = RTM_GETTFILTER;
	tc->tcm_ifindex = (int)look->link;
	tc->tcm_parent = parent;
	result = netlink_dump(n, m, note_filter, NULL, look);
	return result == -ENODEV || result == -EINVAL || result == -EOPNOTSUPP || result == -ENOENT ? 0
												    : result;
}

static int find_in_tc(struct netlink *n, struct look *look)
{
	static const uint32_t parents[] = {TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_EGRESS),
					   TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS), 0};
	int result = query_links(n, look);

	for (size_t i = 0; i < look->count && result == 0 && look->what[0] == '\0'; i++) {
		look->link = look->links[i];
		for (size_t k = 0; k < 3 && result == 0 && look->what[0] == '\0'; k++)
			result = query_filters(n, look, parents[k]);
	}
	return result;
}

/* In the hooks of links an expression can send a packet, or a copy of it, on by another link: with our mark
 * on it no later rule of ours stops it. None of our own does so. */
static void note_rule(const struct nlmsghdr *m, void *argument)
{
	struct attributes own = attributes_of(m, sizeof(struct nfgenmsg));
	struct attributes list = attributes_inside(attributes_find(own, NFTA_RULE_EXPRESSIONS));
	char *what = argument;

	for (const struct nlattr *one = attributes_first(list); one != NULL && what[0] == '\0';
	     one = attributes_next(list, one)) {
		const char *name = text_of(attributes_find(attributes_inside(one), NFTA_EXPR_NAME));

		if (mnl_attr_get_type(one) == NFTA_LIST_ELEM &&
		    (strcmp(name, "fwd") == 0 || strcmp(name, "dup") == 0))
			snprintf(what, WHAT_MAX, "the nft expression %s of the table netdev %.24s", name,
				 text_of(attributes_find(own, NFTA_RULE_TABLE)));
	}
}

/* A kernel whose nftables has no hooks of links has no such rule. */
static int query_nft_rules(struct netlink *n, char what[WHAT_MAX])
{
	_Alignas(8) char room[128];
	struct nlmsghdr *m = mnl_nlmsg_put_header(room);
	struct nfgenmsg *body = mnl_nlmsg_put_extra_header(m, sizeof *body);
	int result;

	m->nlmsg_type = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETRULE;
	body->nfgen_family = NFPROTO_NETDEV;
	result = netlink_dump(n, m, note_rule, NULL, what);
	return result == -EAFNOSUPPORT || result == -EOPNOTSUPP || result == -EINVAL ? 0 : result;
}

static int find_in_nft(struct err *e)
{
	static struct netlink *netlink;
	char what[WHAT_MAX] = "";
	int result;

	if (netlink == NULL && (netlink = netlink_open(NETLINK_NETFILTER, 0, 0)) == NULL)
		return err_errno(e, "others' nft rules can't be read");
	if ((result = query_nft_rules(netlink, what)) != 0) {
		netlink_close(netlink);
		netlink = NULL;
		errno = -result;
		return err_errno(e, "others' nft rules can't be read");
	}
	if (what[0] == '\0')
		return 0;
	was_found = true;
	err_set(e, "%s may redirect packets past every rule; instead: remove it (nft)", what);
	return 1;
}

int bypass_find(struct err *e)
{
	static struct netlink *netlink;
	struct look look = {.count = 0};
	char name[IF_NAMESIZE] = "";
	int result;

	if (netlink == NULL && (netlink = netlink_open(NETLINK_ROUTE, 0, 0)) == NULL)
		return err_errno(e, "traffic control can't be read");
	result = find_in_tc(netlink, &look);
	if (result != 0) {
		netlink_close(netlink);
		netlink = NULL;
		errno = -result;
		return err_errno(e, "traffic control can't be read");
	}
	was_found = look.what[0] != '\0';
	if (!was_found)
		return find_in_nft(e);
	if (if_indextoname(look.link, name) == NULL)
		text_copy(name, sizeof name, "?");
	err_set(
	    e,
	    "%s on %s may redirect packets past every rule; instead: remove it (tc, ip link set %s xdp off)",
	    look.what, name, name);
	return 1;
}

/* A new filter, or a place for filters that comes with some: a block, which several links may share. */
static bool brings_filters(const struct nlmsghdr *m)
{
	struct attributes list = attributes_of(m, sizeof(struct tcmsg));

	if (m->nlmsg_type == RTM_NEWTFILTER)
		return !tc_filter_is_ours(text_of(attributes_find(list, TCA_KIND)),
					  attributes_find(list, TCA_OPTIONS));
	return m->nlmsg_type == RTM_NEWQDISC && (attributes_find(list, TCA_EGRESS_BLOCK) != NULL ||
						 attributes_find(list, TCA_INGRESS_BLOCK) != NULL);
}

/* Links may come and go by the hundred, with filters of ours, and a look costs three requests for each. */
static void note_link_change(const struct nlmsghdr *m, void *argument)
{
	bool of_link = m->nlmsg_type == RTM_NEWLINK || m->nlmsg_type == RTM_DELLINK;

	((struct bypass_watch *)argument)->changed |= was_found || (of_link ? has_xdp(m) : brings_filters(m));
}

/* Rules of ours come and go with each link, so a look follows only a change that could be a bypass, or the
 * end of one. */
static void note_nft_change(const struct nlmsghdr *m, void *argument)
{
	const struct nfgenmsg *body = mnl_nlmsg_get_payload(m);
	char what[WHAT_MAX] = "";

	if (mnl_nlmsg_get_payload_len(m) < sizeof *body || body->nfgen_family != NFPROTO_NETDEV)
		return;
	if (m->nlmsg_type == (NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWRULE))
		note_rule(m, what);
	((struct bypass_watch *)argument)->changed |= was_found || what[0] != '\0';
}

static void read_changes(evutil_socket_t fd, short what, void *argument)
{
	struct bypass_watch *watch = argument;
	bool of_nft = fd == netlink_fd(watch->nft);

	(void)what;
	if (!netlink_receive_all(of_nft ? watch->nft : watch->netlink, DATAGRAMS_A_TURN,
				 of_nft ? note_nft_change : note_link_change, watch))
		watch->changed = true;
	if (watch->changed)
		watch->cb(watch->argument);
	watch->changed = false;
}

static void close_watch(struct bypass_watch *watch)
{
	if (watch->event != NULL)
		event_free(watch->event);
	if (watch->nft_event != NULL)
		event_free(watch->nft_event);
	netlink_close(watch->netlink);
	netlink_close(watch->nft);
	free(watch);
}

struct bypass_watch *bypass_open(struct event_base *base, bypass_cb *cb, void *argument, struct err *e)
{
	struct bypass_watch *watch = calloc(1, sizeof *watch);

	if (watch == NULL) {
		err_errno(e, "traffic control can't be watched");
		return NULL;
	}
	*watch = (struct bypass_watch){.cb = cb, .argument = argument};
	watch->netlink = netlink_open(NETLINK_ROUTE, 0, QUEUE);
	watch->nft = netlink_open(NETLINK_NETFILTER, 0, QUEUE);
	if (watch->nft == NULL || netlink_join(watch->nft, NFNLGRP_NFTABLES) == -1 ||
	    watch->netlink == NULL || netlink_join(watch->netlink, RTNLGRP_TC) == -1 ||
	    netlink_join(watch->netlink, RTNLGRP_LINK) == -1) {
		err_errno(e, "traffic control can't be watched");
		close_watch(watch);
		return NULL;
	}
	watch->event = event_new(base, netlink_fd(watch->netlink), EV_READ | EV_PERSIST, read_changes, watch);
	watch->nft_event = event_new(base, netlink_fd(watch->nft), EV_READ | EV_PERSIST, read_changes, watch);
	if (watch->event == NULL || event_add(watch->event, NULL) == -1 || watch->nft_event == NULL ||
	    event_add(watch->nft_event, NULL) == -1) {
		err_set(e, "traffic control can't be watched: no memory");
		close_watch(watch);
		return NULL;
	}
	return watch;
}
