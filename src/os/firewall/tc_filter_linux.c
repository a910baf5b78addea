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
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, POLICY_NFT_MARK, 1, 0),
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
	memset(r->bytes, 0, sizeof r->bytes); /* what fills attributes up too */
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

static int add_filter(struct netlink *route, unsigned link, uint16_t flags)
{
	struct request r;
	struct nlattr *options;
	int result;

	begin_filter_request(&r, RTM_NEWTFILTER, NLM_F_CREATE | flags, link);
	options = mnl_attr_nest_start(r.message, TCA_OPTIONS);
	mnl_attr_put_u16(r.message, TCA_BPF_OPS_LEN, LENGTH);
	mnl_attr_put(r.message, TCA_BPF_OPS, sizeof program, program);
	mnl_attr_put_u32(r.message, TCA_BPF_FLAGS, TCA_BPF_FLAG_ACT_DIRECT);
	mnl_attr_nest_end(r.message, options);
	result = netlink_request(route, r.message, NULL, NULL);
	return result == -EEXIST ? 0 : result;
}

static int remove_filter(struct netlink *route, unsigned link)
{
	struct request r;

	begin_filter_request(&r, RTM_DELTFILTER, 0, link);
	return netlink_request(route, r.message, NULL, NULL);
}

static int change_place(struct netlink *route, unsigned link, uint16_t type, uint16_t flags)
{
	struct request r;

	begin_request(&r, type, flags, link);
	r.tc->tcm_parent = TC_H_CLSACT;
	r.tc->tcm_handle = PLACE;
	mnl_attr_put_strz(r.message, TCA_KIND, "clsact");
	return netlink_request(route, r.message, NULL, NULL);
}

/* --- adding. A link has one qdisc as a place for filters: clsact, or ingress, which has nothing of egress
 * and still takes a filter for it, among those of what arrives (net/sched/sch_ingress.c). */

enum place { NOTHING, CLSACT, ANOTHER };

struct places {
	const unsigned *links;
	size_t count;
	enum place of[TC_FILTER_LINKS];
};

static void note_place(const struct nlmsghdr *message, void *argument)
{
	const struct tcmsg *tc = mnl_nlmsg_get_payload(message);
	const struct nlattr *kind = attributes_find(attributes_of(message, sizeof *tc), TCA_KIND);
	struct places *places = argument;

	if (message->nlmsg_type != RTM_NEWQDISC || kind == NULL || tc->tcm_handle != PLACE)
		return;
	for (size_t i = 0; i < places->count; i++)
		if (places->links[i] == (unsigned)tc->tcm_ifindex)
			places->of[i] =
			    mnl_attr_get_payload_len(kind) == sizeof "clsact" &&
				    memcmp(mnl_attr_get_payload(kind), "clsact", sizeof "clsact") == 0
				? CLSACT
				: ANOTHER;
}

static void forget_places(void *argument)
{
	memset(((struct places *)argument)->of, 0, sizeof((struct places *)argument)->of);
}

static int look_at_places(struct netlink *route, struct places *places)
{
	struct request r;

	forget_places(places);
	begin_request(&r, RTM_GETQDISC, 0, 0);
	return netlink_dump(route, r.message, note_place, forget_places, places);
}

/* If something else has the place, it took the place of ours, so a filter of ours is removed. */
static int add_in(struct netlink *route, unsigned link, enum place place, bool replace)
{
	int result = 0;

	if (place == ANOTHER) {
		(void)remove_filter(route, link);
		return -EBUSY;
	}
	if (place == NOTHING)
		result = change_place(route, link, RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL);
	return result != 0 ? result : add_filter(route, link, replace ? 0 : NLM_F_EXCL);
}

int tc_filter_add(struct netlink *route, const unsigned *links, size_t count, bool replace,
		  tc_filter_refused_fn *refused, void *argument)
{
	struct places places = {.links = links, .count = count < TC_FILTER_LINKS ? count : TC_FILTER_LINKS};
	int result = look_at_places(route, &places);

	for (size_t i = 0; i < places.count && result == 0; i++) {
		int one = links[i] == 0 ? 0 : add_in(route, links[i], places.of[i], replace);

		if (one != 0 && one != -ENODEV)
			refused(links[i], one, argument);
	}
	return result;
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
static void remove_empty_place(struct netlink *route, unsigned link)
{
	bool any = false;

	if (look_for_filters(route, link, EGRESS, &any) == 0 &&
	    look_for_filters(route, link, INGRESS, &any) == 0 && !any)
		(void)change_place(route, link, RTM_DELQDISC, 0);
}

int tc_filter_remove(struct netlink *route, unsigned link, bool place)
{
	int result = remove_filter(route, link);

	switch (-result) {
	case 0:
		if (place)
			remove_empty_place(route, link);
		return 0;
	case ENOENT:     /* no such filter */
	case EINVAL:     /* no place for one, or another kind has its priority */
	case EOPNOTSUPP: /* the place is a block, or a qdisc without filters; or the kernel has no filters at
			    all */
	case ENODEV:
		return 0;
	default:
		return result;
	}
}

int tc_filter_remove_all(struct netlink *route, bool places)
{
	struct if_nameindex *links = if_nameindex();
	int first = links == NULL ? -errno : 0;

	for (size_t i = 0; links != NULL && links[i].if_index != 0; i++) {
		int result = tc_filter_remove(route, links[i].if_index, places);

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

/* One that has our handle and priority, or all of that priority, or all of the place. */
static bool is_about_our_filter(const struct tcmsg *tc, const struct nlattr *chain)
{
	uint32_t priority = TC_H_MAJ(tc->tcm_info) >> 16;
	bool of_first_chain = chain == NULL || (mnl_attr_get_payload_len(chain) == sizeof(uint32_t) &&
						mnl_attr_get_u32(chain) == 0);

	return tc->tcm_parent == EGRESS && (priority == PRIORITY || priority == 0) &&
	       (tc->tcm_handle == POLICY_NFT_MARK || tc->tcm_handle == 0) && of_first_chain;
}

unsigned tc_filter_changed(const struct nlmsghdr *message)
{
	const struct tcmsg *tc = mnl_nlmsg_get_payload(message);
	bool changed = false;

	if (mnl_nlmsg_get_payload_len(message) < sizeof *tc)
		return 0;
	if (message->nlmsg_type == RTM_DELQDISC)
		changed = tc->tcm_handle == PLACE;
	else if (message->nlmsg_type == RTM_DELTFILTER || message->nlmsg_type == RTM_NEWTFILTER)
		changed =
		    is_about_our_filter(tc, attributes_find(attributes_of(message, sizeof *tc), TCA_CHAIN));
	return changed ? (unsigned)tc->tcm_ifindex : 0;
}
