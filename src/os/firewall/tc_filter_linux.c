/* The filter that stays with a link: a classic BPF program of traffic control, which needs no right but
 * CAP_NET_ADMIN. */
#include "os/firewall/tc_filter.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdint.h>
#include <string.h>

#include "os/netwatch/linux/attributes.h"
#include "os/netwatch/linux/netlink.h"
#include "policy/print.h"

/* One that nobody is likely to use: each belongs to one kind of filter. */
enum { PRIORITY = 87 };

#define PLACE TC_H_MAKE(TC_H_CLSACT, 0)
#define EGRESS TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_EGRESS)
#define INGRESS TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS)

/* TC_ACT_UNSPEC goes on to the filters of others. */
static const struct sock_filter program[] = {
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_MARK)),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, POLICY_NFT_MARK, 2, 0),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, POLICY_NFT_PAUSE_MARK, 1, 0),
    BPF_STMT(BPF_RET | BPF_K, TC_ACT_SHOT),
    BPF_STMT(BPF_RET | BPF_K, (uint32_t)TC_ACT_UNSPEC),
};
enum { LENGTH = sizeof program / sizeof program[0] };

/* --- requests ------------------------------------------------------------------- */

struct request {
	_Alignas(8) char bytes[256];
	struct nlmsghdr *message;
	struct tcmsg *tc;
};

static void begin_request(struct request *r, uint16_t type, uint16_t flags, unsigned link)
{
	r->message = mnl_nlmsg_put_header(r->bytes);
	r->message->nlmsg_type = type;
	r->message->nlmsg_flags = NLM_F_REQUEST | flags;
	r->tc = mnl_nlmsg_put_extra_header(r->message, sizeof *r->tc);
	r->tc->tcm_ifindex = (int)link;
}

static void begin_filter_request(struct request *r, uint16_t type, uint16_t flags, unsigned link)
{
	begin_request(r, type, flags, link);
	r->tc->tcm_parent = EGRESS;
	r->tc->tcm_handle = POLICY_NFT_MARK;
	r->tc->tcm_info = TC_H_MAKE(PRIORITY << 16, htons(ETH_P_ALL));
	mnl_attr_put_strz(r->message, TCA_KIND, "bpf");
}

static int add_place(struct netlink *route, unsigned link)
{
	struct request r;
	int result;

	begin_request(&r, RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL, link);
	r.tc->tcm_parent = TC_H_CLSACT;
	r.tc->tcm_handle = PLACE;
	mnl_attr_put_strz(r.message, TCA_KIND, "clsact");
	result = netlink_request(route, r.message, NULL, NULL);
	return result == -EEXIST ? 0 : result;
}

static int add_filter(struct netlink *route, unsigned link)
{
	struct request r;
	struct nlattr *options;

	begin_filter_request(&r, RTM_NEWTFILTER, NLM_F_CREATE, link); /* in place of what has our handle */
	options = mnl_attr_nest_start(r.message, TCA_OPTIONS);
	mnl_attr_put_u16(r.message, TCA_BPF_OPS_LEN, LENGTH);
	mnl_attr_put(r.message, TCA_BPF_OPS, sizeof program, program);
	mnl_attr_put_u32(r.message, TCA_BPF_FLAGS, TCA_BPF_FLAG_ACT_DIRECT);
	mnl_attr_nest_end(r.message, options);
	return netlink_request(route, r.message, NULL, NULL);
}

int tc_filter_add(struct netlink *route, unsigned link)
{
	int result = add_filter(route, link);

	if (result != -EINVAL) /* as it is without a place for filters */
		return result;
	result = add_place(route, link);
	return result == 0 ? add_filter(route, link) : result;
}

/* --- removal --------------------------------------------------------------------- */

static void note_any(const struct nlmsghdr *message, void *argument)
{
	if (message->nlmsg_type == RTM_NEWTFILTER)
		*(bool *)argument = true;
}

static int look_for_filters(struct netlink *route, unsigned link, uint32_t parent, bool *any)
{
	struct request r;

	begin_request(&r, RTM_GETTFILTER, 0, link);
	r.tc->tcm_parent = parent;
	return netlink_dump(route, r.message, note_any, NULL, any);
}

/* Empty, it serves nobody. */
static int remove_empty_place(struct netlink *route, unsigned link)
{
	struct request r;
	bool any = false;

	if (look_for_filters(route, link, EGRESS, &any) != 0 ||
	    look_for_filters(route, link, INGRESS, &any) != 0 || any)
		return 0;
	begin_request(&r, RTM_DELQDISC, 0, link);
	r.tc->tcm_parent = TC_H_CLSACT;
	r.tc->tcm_handle = PLACE;
	return netlink_request(route, r.message, NULL, NULL);
}

int tc_filter_remove(struct netlink *route, unsigned link)
{
	struct request r;
	int result;

	begin_filter_request(&r, RTM_DELTFILTER, 0, link);
	result = netlink_request(route, r.message, NULL, NULL);
	if (result == 0)
		return remove_empty_place(route, link);
	/* No such filter; no place for one, or another kind in it; no such link. */
	return result == -ENOENT || result == -EINVAL || result == -ENODEV ? 0 : result;
}

int tc_filter_remove_all(struct netlink *route)
{
	struct if_nameindex *links = if_nameindex();
	int first = links == NULL ? -errno : 0;

	for (size_t i = 0; links != NULL && links[i].if_index != 0; i++) {
		int result = tc_filter_remove(route, links[i].if_index);

		if (first == 0)
			first = result;
	}
	if (links != NULL)
		if_freenameindex(links);
	return first;
}

/* --- what the kernel reports ---------------------------------------------------------- */

bool tc_filter_is_ours(const char *kind, const struct nlattr *options)
{
	struct attributes list = attributes_inside(options);
	const struct nlattr *ops = attributes_find(list, TCA_BPF_OPS);
	const struct nlattr *flags = attributes_find(list, TCA_BPF_FLAGS);

	return strcmp(kind, "bpf") == 0 && ops != NULL && flags != NULL &&
	       mnl_attr_get_payload_len(ops) == sizeof program &&
	       memcmp(mnl_attr_get_payload(ops), program, sizeof program) == 0 &&
	       mnl_attr_get_payload_len(flags) == sizeof(uint32_t) &&
	       mnl_attr_get_u32(flags) == TCA_BPF_FLAG_ACT_DIRECT;
}

unsigned tc_filter_changed(const struct nlmsghdr *message)
{
	const struct tcmsg *tc = mnl_nlmsg_get_payload(message);
	bool changed = false;

	if (mnl_nlmsg_get_payload_len(message) < sizeof *tc)
		return 0;
	if (message->nlmsg_type == RTM_DELQDISC)
		changed = tc->tcm_handle == PLACE;
	else if (message->nlmsg_type == RTM_DELTFILTER)
		changed = tc->tcm_parent == EGRESS;
	else if (message->nlmsg_type == RTM_NEWTFILTER)
		changed = tc->tcm_parent == EGRESS && tc->tcm_handle == POLICY_NFT_MARK;
	return changed ? (unsigned)tc->tcm_ifindex : 0;
}
