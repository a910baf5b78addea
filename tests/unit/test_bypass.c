/* What takes packets past every hook of the filter, with a kernel that the test plays: what is found, what is
 * asked, what the kernel may refuse to say, and which of its announcements are worth a look. */
#include <errno.h>
#include <event2/event.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/pkt_cls.h>
#include <linux/rtnetlink.h>
#include <net/if.h>

#include "journal.h"
#include "leaks.h"
#include "no_memory.h"
#include "os/firewall/bypass.h"
#include "os/firewall/tc_filter.h"
#include "os/netwatch/linux/netlink.h"

enum { NONE = -1, EMPTY = -2, LINKS = 1100, UNNAMED = 1000000 /* a link that this machine has not */ };

struct netlink {
	int protocol, ends[2];
	bool open;
};
static struct netlink sockets[4];

/* The kernel's: each link's number, flags and XDP mode (NONE: it says nothing; EMPTY: a mode without a
 * number), and how it is announced. */
static struct link {
	unsigned index, flags;
	int xdp;
	uint16_t type;
	size_t size; /* of the body */
} links[LINKS];
static size_t link_count;

/* What is said of every place for filters, and of nft's rules. */
static struct filter {
	const char *kind;
	uint16_t actions, place; /* attribute of the actions; place of the action among them */
	const char *action;      /* "": no such attribute */
	uint32_t handle;
	bool bare;                  /* without options */
} filter, next_one;                 /* which has no kind if there is none */
static const char *beside = "gact"; /* the action at the other place */
static uint16_t dumped_as = RTM_NEWTFILTER;
static size_t filter_size = sizeof(struct tcmsg),
	      kind_end = 1; /* bytes: of the body; behind the kind's letters */
static const char *expression, *before_it = "counter", *table = "t";
static uint16_t element = NFTA_LIST_ELEM;
static unsigned only_link;                   /* that has the filter; 0: each */
static uint32_t only_parent, refused_parent; /* 0: each */

static int refused[3]; /* links, filters, rules: 0 or a negative errno */
static bool cannot_open, interrupted, lost;
static int only_protocol; /* that can't be opened; NONE: each */
static int join_fails, joins;
static _Alignas(8) char room[8192];
static struct err e;

/* --- messages ------------------------------------------------------------------------ */

static struct nlmsghdr *message(uint16_t type, size_t body)
{
	struct nlmsghdr *m;

	memset(room, 0, 256); /* what a torn message had is not there */
	m = mnl_nlmsg_put_header(room);
	m->nlmsg_type = type;
	memset(mnl_nlmsg_put_extra_header(m, body), 0, body);
	return m;
}

static const struct nlmsghdr *link_message(const struct link *link)
{
	struct nlmsghdr *m = message(link->type, link->size);
	struct ifinfomsg *info = mnl_nlmsg_get_payload(m);
	struct nlattr *xdp;

	if (link->size < sizeof *info)
		return m;
	info->ifi_index = (int)link->index;
	info->ifi_flags = link->flags;
	xdp = mnl_attr_nest_start(m, IFLA_XDP);
	if (link->xdp == EMPTY) {
		mnl_attr_put(m, IFLA_XDP_ATTACHED, 0, NULL);
		mnl_attr_put_u8(m, IFLA_XDP_FLAGS, 1);
	} else if (link->xdp != NONE) {
		mnl_attr_put_u8(m, IFLA_XDP_ATTACHED, (uint8_t)link->xdp);
	}
	mnl_attr_nest_end(m, xdp);
	return m;
}

static const struct nlmsghdr *filter_message(uint16_t type)
{
	struct nlmsghdr *m = message(type, filter_size);
	struct nlattr *options, *actions, *one;

	if (filter_size < sizeof(struct tcmsg))
		return m;
	((struct tcmsg *)mnl_nlmsg_get_payload(m))->tcm_handle = filter.handle;
	if (filter.kind != NULL)
		mnl_attr_put(m, TCA_KIND, strlen(filter.kind) + kind_end, filter.kind);
	if (filter.bare)
		return m;
	options = mnl_attr_nest_start(m, TCA_OPTIONS);
	actions = mnl_attr_nest_start(m, filter.actions);
	one = mnl_attr_nest_start(m, 1);
	mnl_attr_put_strz(m, TCA_ACT_KIND, filter.place == 1 ? filter.action : beside);
	mnl_attr_nest_end(m, one);
	one = mnl_attr_nest_start(m, filter.place == 1 ? 2 : filter.place);
	mnl_attr_put_strz(m, TCA_ACT_KIND, filter.place == 1 ? beside : filter.action);
	mnl_attr_nest_end(m, one);
	mnl_attr_nest_end(m, actions);
	mnl_attr_nest_end(m, options);
	return m;
}

static const struct nlmsghdr *rule_message(uint16_t type, uint8_t family)
{
	struct nlmsghdr *m = message((uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type), sizeof(struct nfgenmsg));
	struct nlattr *list, *one;

	((struct nfgenmsg *)mnl_nlmsg_get_payload(m))->nfgen_family = family;
	mnl_attr_put_strz(m, NFTA_RULE_TABLE, table);
	list = mnl_attr_nest_start(m, NFTA_RULE_EXPRESSIONS);
	one = mnl_attr_nest_start(m, element);
	mnl_attr_put_strz(m, NFTA_EXPR_NAME, before_it);
	mnl_attr_nest_end(m, one);
	one = mnl_attr_nest_start(m, element);
	mnl_attr_put_strz(m, NFTA_EXPR_NAME, expression == NULL ? "immediate" : expression);
	mnl_attr_nest_end(m, one);
	mnl_attr_nest_end(m, list);
	return m;
}

/* --- the kernel ------------------------------------------------------------------------- */

struct netlink *netlink_open(int protocol, uint32_t wanted, int queue)
{
	struct netlink *n = sockets;

	assert_int_equal(wanted, 0);
	say("open %d %d", protocol, queue);
	if (cannot_open && (only_protocol == NONE || only_protocol == protocol)) {
		errno = EMFILE;
		return NULL;
	}
	while (n->open)
		n++;
	n->protocol = protocol;
	n->open = true;
	assert_int_equal(pipe(n->ends), 0);
	return n;
}

void netlink_close(struct netlink *n)
{
	if (n == NULL)
		return;
	assert_true(n->open);
	n->open = false;
	errno = 0;
	close(n->ends[0]);
	close(n->ends[1]);
	say("close %d", n->protocol);
}

int netlink_fd(const struct netlink *n)
{
	return n->ends[0];
}

int netlink_join(struct netlink *n, int group)
{
	say("join %d %d", n->protocol, group);
	if (++joins != join_fails)
		return 0;
	errno = EPERM;
	return -1;
}

static void dump_links(netlink_message_fn *each, void (*again)(void *), void *argument)
{
	for (size_t i = 0; i < link_count && interrupted; i++)
		each(link_message(&links[i]), argument);
	if (interrupted)
		again(argument);
	for (size_t i = 0; i < link_count; i++)
		each(link_message(&links[i]), argument);
}

static void dump_filters(netlink_message_fn *each, void *argument)
{
	struct filter first = filter;

	each(filter_message(dumped_as), argument);
	if (next_one.kind == NULL)
		return;
	filter = next_one;
	each(filter_message(dumped_as), argument);
	filter = first;
}

int netlink_dump(struct netlink *n, struct nlmsghdr *question, netlink_message_fn *each,
		 void (*again)(void *argument), void *argument)
{
	const struct tcmsg *tc = mnl_nlmsg_get_payload(question);
	const struct nfgenmsg *nft = mnl_nlmsg_get_payload(question);

	assert_true(n->open);
	if (question->nlmsg_type == RTM_GETLINK) {
		assert_int_equal(mnl_nlmsg_get_payload_len(question), sizeof(struct ifinfomsg));
		say("links");
		dump_links(each, again, argument);
		return refused[0];
	}
	if (question->nlmsg_type == RTM_GETTFILTER) {
		assert_int_equal(n->protocol, NETLINK_ROUTE);
		say("filters %d %x", tc->tcm_ifindex, tc->tcm_parent);
		if (filter.kind != NULL && (only_link == 0 || (int)only_link == tc->tcm_ifindex) &&
		    (only_parent == 0 || only_parent == tc->tcm_parent))
			dump_filters(each, argument);
		return refused_parent == 0 || refused_parent == tc->tcm_parent ? refused[1] : 0;
	}
	assert_int_equal(question->nlmsg_type, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETRULE);
	assert_int_equal(n->protocol, NETLINK_NETFILTER);
	assert_int_equal(nft->nfgen_family, NFPROTO_NETDEV);
	say("rules");
	each(rule_message(NFT_MSG_NEWRULE, NFPROTO_NETDEV), argument);
	return refused[2];
}

static const struct nlmsghdr *announced;

bool netlink_receive_all(struct netlink *n, int datagrams, netlink_message_fn *each, void *argument)
{
	char byte;

	assert_int_equal(datagrams, 256);
	assert_int_equal(read(n->ends[0], &byte, 1), 1);
	say("hear %d", n->protocol);
	if (announced != NULL)
		each(announced, argument);
	return !lost;
}

bool tc_filter_is_ours(const char *kind, const struct nlattr *options)
{
	return strcmp(kind, "ours") == 0 && options != NULL;
}

/* --- the world ------------------------------------------------------------------------------ */

static int begin(void **state)
{
	(void)state;
	memset(refused, 0, sizeof refused);
	memset(&filter, 0, sizeof filter);
	memset(&next_one, 0, sizeof next_one);
	beside = "gact";
	dumped_as = RTM_NEWTFILTER;
	filter_size = sizeof(struct tcmsg);
	kind_end = 1;
	filter.place = 2;
	expression = NULL;
	before_it = "counter";
	table = "t";
	element = NFTA_LIST_ELEM;
	only_link = only_parent = refused_parent = 0;
	cannot_open = interrupted = lost = false;
	only_protocol = NONE;
	join_fails = joins = 0;
	announced = NULL;
	for (size_t i = 0; i < LINKS; i++)
		links[i] =
		    (struct link){UNNAMED + (unsigned)i, IFF_UP, NONE, RTM_NEWLINK, sizeof(struct ifinfomsg)};
	link_count = 2;
	e.text[0] = journal[0] = '\0';
	return 0;
}

/* What is found, "" nothing; the journal has what was asked. */
static const char *find(void)
{
	int result;

	e.text[0] = journal[0] = '\0';
	result = bypass_find(&e);
	if (result == -1)
		fail_msg("%s", e.text);
	assert_int_equal(result, e.text[0] != '\0');
	return e.text;
}

/* Every link but loopback is asked at each of its three places, and nft once. */
static void test_nothing(void **state)
{
	(void)state;
	assert_string_equal(find(), "");
	links[0].flags |= IFF_LOOPBACK;
	links[1].index = 7;
	assert_string_equal(find(), "");
	assert_string_equal(journal, "links\nfilters 7 fffffff3\nfilters 7 fffffff2\nfilters 7 0\nrules\n");
	links[0].flags = 0;
	links[0].type = RTM_DELLINK;
	assert_string_equal(find(), "");
	assert_false(is_before("filters 1000000", "rules"));
	links[0].type = RTM_NEWLINK;
	links[0].size = 8; /* torn */
	assert_string_equal(find(), "");
	assert_string_equal(journal, "links\nfilters 7 fffffff3\nfilters 7 fffffff2\nfilters 7 0\nrules\n");
}

/* A list that is not of one moment is read again from its beginning; more links than fit are not kept. */
static void test_many_links(void **state)
{
	size_t asked = 0;

	(void)state;
	interrupted = true;
	assert_string_equal(find(), "");
	assert_string_equal(strstr(strstr(journal, "filters") + 1, "filters 1000000 0"),
			    "filters 1000000 0\nfilters 1000001 fffffff3\nfilters 1000001 fffffff2\n"
			    "filters 1000001 0\nrules\n");
	interrupted = false;
	link_count = LINKS;
	assert_string_equal(find(), "");
	for (const char *at = journal; (at = strstr(at, "filters")) != NULL; at++)
		asked++;
	assert_int_equal(asked, 3 * 1024);
	assert_non_null(strstr(journal, "filters 1001023 0\nrules\n"));
}

static void test_xdp(void **state)
{
	(void)state;
	links[0].xdp = XDP_ATTACHED_NONE;
	assert_string_equal(find(), "");
	links[0].xdp = EMPTY;
	assert_string_equal(find(), "");
	links[0].xdp = XDP_ATTACHED_DRV;
	links[1].xdp = XDP_ATTACHED_SKB;
	links[0].index = 1; /* its name is known */
	assert_string_equal(find(),
			    "an XDP program on lo may redirect packets past every rule; instead: remove "
			    "it (tc, ip link set lo xdp off)");
	assert_string_equal(journal, "links\n"); /* that is enough */
	links[0].xdp = NONE;
	assert_memory_equal(find(), "an XDP program on ? may", 23);
	links[1].flags |= IFF_LOOPBACK;
	assert_string_equal(find(), "");
}

#define KIND(name, attribute)                                                                                \
	{                                                                                                    \
		name, attribute                                                                              \
	}

/* An action that redirects is found wherever its kind of filter keeps it, at the first and the last place. */
static void test_actions(void **state)
{
	static const struct {
		const char *kind;
		uint16_t actions;
	} kinds[] = {
	    KIND("u32", TCA_U32_ACT),     KIND("flower", TCA_FLOWER_ACT), KIND("matchall", TCA_MATCHALL_ACT),
	    KIND("basic", TCA_BASIC_ACT), KIND("fw", TCA_FW_ACT),         KIND("route", TCA_ROUTE4_ACT),
	    KIND("flow", TCA_FLOW_ACT),   KIND("cgroup", TCA_CGROUP_ACT)};
	static const char *const harmless[] = {"gact", "police"};

	(void)state;
	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		filter = (struct filter){kinds[i].kind, kinds[i].actions, 2, "mirred", 1, false};
		for (unsigned place = 1; place <= TCA_ACT_MAX_PRIO; place++) {
			filter.place = (uint16_t)place;
			assert_memory_equal(find(), "a tc filter with the action mirred on ? may", 43);
		}
		for (size_t k = 0; k < 2; k++) {
			filter.action = harmless[k];
			assert_string_equal(find(), "");
		}
		filter.action = "mirred";
		filter.actions = 99; /* no actions of it */
		assert_string_equal(find(), "");
	}
	filter.actions = TCA_CGROUP_ACT;
	filter.action = "a name that is longer than 32 bytes is";
	assert_memory_equal(find(), "a tc filter with the action ? on", 32);
}

/* The first one is named, with its link, wherever it is. */
static void test_where(void **state)
{
	static const uint32_t parents[] = {0xfffffff3, 0xfffffff2};

	(void)state;
	filter = (struct filter){"bpf", 1, 2, "gact", 1, false};
	for (size_t i = 0; i < 2; i++) {
		only_parent = parents[i];
		assert_memory_equal(find(), "a tc filter of the kind bpf on ? may", 36);
	}
	only_parent = 0;
	links[1].index = only_link = 1;
	assert_memory_equal(find(), "a tc filter of the kind bpf on lo may", 37);
	assert_null(strstr(journal, "rules"));
	assert_null(strstr(journal, "filters 1 0"));
	next_one = (struct filter){"ematch", 1, 2, "gact", 1, false};
	assert_memory_equal(find(), "a tc filter of the kind bpf on lo may", 37);
	filter = (struct filter){"u32", TCA_U32_ACT, 1, "mirred", 1, false};
	beside = "nat";
	assert_memory_equal(find(), "a tc filter with the action mirred on lo may", 44);
	dumped_as = RTM_DELTFILTER; /* says nothing of what there is */
	assert_string_equal(find(), "");
}

/* What is no filter, or ours, or may do nothing. */
static void test_other_filters(void **state)
{
	(void)state;
	filter = (struct filter){"bpf", 1, 2, "gact", 0, true};
	assert_string_equal(find(), ""); /* the heading of a list */
	filter.handle = 1;
	assert_memory_equal(find(), "a tc filter of the kind bpf on", 30);
	filter.handle = 0;
	filter.bare = false;
	assert_memory_equal(find(), "a tc filter of the kind bpf on", 30);
	filter.kind = "ours";
	assert_string_equal(find(), "");
	filter.kind = "a name that is longer than 32 bytes is";
	assert_memory_equal(find(), "a tc filter of the kind ? on", 28);
	filter.kind = "kind";
	assert_memory_equal(find(), "a tc filter of the kind kind on", 31);
	kind_end = 0;
	assert_memory_equal(find(), "a tc filter of the kind ? on", 28);
	filter_size = 4; /* torn, which is no heading */
	assert_memory_equal(find(), "a tc filter of the kind ? on", 28);
}

static void test_nft(void **state)
{
	static const char *const redirect[] = {"fwd", "dup"};
	char wanted[128];

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		expression = redirect[i];
		snprintf(wanted, sizeof wanted,
			 "the nft expression %s of the table netdev t may redirect packets past "
			 "every rule; instead: remove it (nft)",
			 expression);
		assert_string_equal(find(), wanted);
	}
	element = NFTA_LIST_ELEM + 1; /* no expression */
	assert_string_equal(find(), "");
	element = NFTA_LIST_ELEM;
	expression = "forward";
	assert_string_equal(find(), "");
	expression = "fwd";
	table = "a23456789 123456789 123456789";
	assert_memory_equal(find(), "the nft expression fwd of the table netdev a23456789 123456789 1234 may",
			    71);
	before_it = "dup"; /* the first one is named */
	assert_memory_equal(find(), "the nft expression dup of", 25);
	before_it = "counter";
	expression = NULL;
	assert_string_equal(find(), "");
}

/* What the kernel has not is no bypass; what it does not say may be one, and is asked by a new socket next
 * time. */
static void test_refusals(void **state)
{
	static const struct {
		int which, error;
		bool harmless;
	} rows[] = {{0, EPERM, false}, {0, ENODEV, false}, {1, EPERM, false},       {1, ENODEV, true},
		    {1, EINVAL, true}, {1, ENOENT, true},  {1, EOPNOTSUPP, true},   {1, EAFNOSUPPORT, false},
		    {2, EPERM, false}, {2, EINVAL, true},  {2, EAFNOSUPPORT, true}, {2, EOPNOTSUPP, true},
		    {2, ENODEV, false}};
	static const char *const what[] = {"traffic control", "traffic control", "others' nft rules"};
	char wanted[128];

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		begin(state);
		refused[rows[i].which] = -rows[i].error;
		if (rows[i].harmless) {
			assert_string_equal(find(), "");
			continue;
		}
		assert_int_equal(bypass_find(&e), -1);
		snprintf(wanted, sizeof wanted, "%s can't be read: %s", what[rows[i].which],
			 strerror(rows[i].error));
		assert_string_equal(e.text, wanted);
		assert_non_null(strstr(journal, rows[i].which == 2 ? "close 12\n" : "close 0\n"));
		begin(state);
		cannot_open = true;
		assert_int_equal(bypass_find(&e), -1);
		snprintf(wanted, sizeof wanted, "%s can't be read: %s", what[rows[i].which],
			 strerror(EMFILE));
		assert_string_equal(e.text, wanted);
		cannot_open = false;
		assert_string_equal(find(), "");
		assert_non_null(strstr(journal, rows[i].which == 2 ? "open 12 0\n" : "open 0 0\n"));
		assert_string_equal(find(), "");
		assert_null(strstr(journal, "open"));
	}
}

/* At one place only, and all others say that there is none. */
static void test_one_refusal(void **state)
{
	static const uint32_t parents[] = {0xfffffff3, 0xfffffff2};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		refused[1] = -EPERM;
		refused_parent = parents[i];
		assert_int_equal(bypass_find(&e), -1);
	}
	begin(NULL);
	assert_string_equal(find(), "");
}

/* --- the watch ------------------------------------------------------------------------------- */

static struct event_base *base;
static unsigned calls;
static struct netlink *of_tc, *of_nft;

static void on_bypass(void *argument)
{
	assert_ptr_equal(argument, &calls);
	calls++;
}

static struct bypass_watch *open_watch(void)
{
	struct bypass_watch *watch;

	journal[0] = e.text[0] = '\0';
	joins = 0;
	watch = bypass_open(base, on_bypass, &calls, &e);
	of_tc = of_nft = NULL;
	for (size_t i = 0; i < 4; i++) {
		/* The later ones: those that are asked are open as well. */
		if (sockets[i].open && sockets[i].protocol == NETLINK_ROUTE)
			of_tc = &sockets[i];
		else if (sockets[i].open)
			of_nft = &sockets[i];
	}
	return watch;
}

static size_t open_sockets(void)
{
	size_t count = 0;

	for (size_t i = 0; i < 4; i++)
		count += sockets[i].open;
	return count;
}

/* Ours, each event, and what the loop needs for each: whichever is missing, nothing stays. */
static void opens_without_memory(void)
{
	struct event_base *usual = base;

	for (unsigned at = MEMORY_CAN_FAIL ? 1 : 2; at <= 4; at++) {
		base = event_base_new();
		memory_fails_at = at;
		assert_null(open_watch());
		memory_fails_at = 0;
		assert_memory_equal(e.text, "traffic control can't be watched: ", 34);
		assert_int_equal(open_sockets(), 2);
		assert_int_equal(event_base_get_num_events(base, EVENT_BASE_COUNT_ADDED), 0);
		event_base_free(base);
	}
	base = usual;
}

static void test_opening(void **state)
{
	(void)state;
	base = event_base_new();
	assert_string_equal(find(), "");
	assert_int_equal(open_sockets(), 2); /* the two that are asked */
	for (join_fails = 1; join_fails <= 3; join_fails++) {
		assert_null(open_watch());
		assert_string_equal(e.text, "traffic control can't be watched: Operation not permitted");
		assert_non_null(strstr(journal, "close 0\nclose 12\n"));
		assert_int_equal(open_sockets(), 2);
	}
	join_fails = 0;
	cannot_open = true;
	assert_null(open_watch());
	assert_string_equal(e.text, "traffic control can't be watched: Too many open files");
	for (size_t i = 0; i < 2; i++) {
		only_protocol = i == 0 ? NETLINK_ROUTE : NETLINK_NETFILTER;
		assert_null(open_watch());
		assert_string_equal(e.text, "traffic control can't be watched: Too many open files");
		assert_int_equal(open_sockets(), 2);
	}
	cannot_open = false;
	assert_no_leak("opening", opens_without_memory());
	assert_non_null(open_watch());
	assert_string_equal(journal, "open 0 4194304\nopen 12 4194304\njoin 12 7\njoin 0 4\njoin 0 1\n");
	assert_int_equal(event_base_get_num_events(base, EVENT_BASE_COUNT_ADDED), 2);
}

/* Is a look worth it? */
static bool is_worth_it(struct netlink *n, const struct nlmsghdr *m)
{
	announced = m;
	calls = 0;
	assert_int_equal(write(n->ends[1], "", 1), 1);
	event_base_loop(base, EVLOOP_NONBLOCK);
	assert_true(calls <= 1);
	return calls == 1;
}

static const struct nlmsghdr *qdisc(uint16_t type, uint16_t block)
{
	struct nlmsghdr *m = message(type, sizeof(struct tcmsg));

	if (block != 0)
		mnl_attr_put_u32(m, block, 7);
	return m;
}

static void test_announcements(void **state)
{
	struct link plain = {7, 0, NONE, RTM_NEWLINK, sizeof(struct ifinfomsg)}, gone = plain, with = plain,
		    gone_with;
	struct nlmsghdr *torn = (void *)room;

	(void)state;
	gone.type = RTM_DELLINK;
	with.xdp = XDP_ATTACHED_DRV;
	gone_with = with;
	gone_with.type = RTM_DELLINK;
	assert_string_equal(find(), "");
	for (int i = 0; i < 2;
	     i++) { /* once nothing was found, once something: then any change may have ended it */
		bool found = i == 1;

		filter = (struct filter){"u32", TCA_U32_ACT, 1, "mirred", 1, false};
		if (found)
			assert_string_not_equal(find(), "");
		assert_true(is_worth_it(of_tc, filter_message(RTM_NEWTFILTER)));
		assert_int_equal(is_worth_it(of_tc, filter_message(RTM_DELTFILTER)), found);
		filter.kind = "ours";
		assert_int_equal(is_worth_it(of_tc, filter_message(RTM_NEWTFILTER)), found);
		assert_int_equal(is_worth_it(of_tc, qdisc(RTM_NEWQDISC, 0)), found);
		assert_true(is_worth_it(of_tc, qdisc(RTM_NEWQDISC, TCA_EGRESS_BLOCK)));
		assert_true(is_worth_it(of_tc, qdisc(RTM_NEWQDISC, TCA_INGRESS_BLOCK)));
		assert_int_equal(is_worth_it(of_tc, qdisc(RTM_DELQDISC, TCA_INGRESS_BLOCK)), found);
		assert_int_equal(is_worth_it(of_tc, link_message(&plain)), found);
		assert_int_equal(is_worth_it(of_tc, link_message(&gone)), found);
		assert_true(is_worth_it(of_tc, link_message(&with)));
		assert_true(is_worth_it(of_tc, link_message(&gone_with)));
		expression = "fwd";
		assert_true(is_worth_it(of_nft, rule_message(NFT_MSG_NEWRULE, NFPROTO_NETDEV)));
		assert_int_equal(is_worth_it(of_nft, rule_message(NFT_MSG_DELRULE, NFPROTO_NETDEV)), found);
		assert_false(is_worth_it(of_nft, rule_message(NFT_MSG_NEWRULE, NFPROTO_INET)));
		(void)rule_message(NFT_MSG_NEWRULE, NFPROTO_NETDEV);
		torn->nlmsg_len = NLMSG_HDRLEN; /* so it would go on */
		assert_false(is_worth_it(of_nft, torn));
		expression = NULL;
		assert_int_equal(is_worth_it(of_nft, rule_message(NFT_MSG_NEWRULE, NFPROTO_NETDEV)), found);
	}
	expression = "dup"; /* one of nft's is remembered too */
	filter.kind = NULL;
	assert_string_not_equal(find(), "");
	assert_true(is_worth_it(of_tc, link_message(&plain)));
	expression = NULL;
	assert_string_equal(find(), "");
	assert_false(is_worth_it(of_tc, link_message(&plain)));
	lost = true;
	assert_true(is_worth_it(of_tc, NULL) && is_worth_it(of_nft, NULL));
	lost = false;
	assert_false(is_worth_it(of_tc, NULL) || is_worth_it(of_nft, NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(test_nothing, begin),
	    cmocka_unit_test_setup(test_many_links, begin),
	    cmocka_unit_test_setup(test_xdp, begin),
	    cmocka_unit_test_setup(test_actions, begin),
	    cmocka_unit_test_setup(test_where, begin),
	    cmocka_unit_test_setup(test_other_filters, begin),
	    cmocka_unit_test_setup(test_nft, begin),
	    cmocka_unit_test_setup(test_refusals, begin),
	    cmocka_unit_test_setup(test_one_refusal, begin),
	    cmocka_unit_test_setup(test_opening, begin),
	    cmocka_unit_test_setup(test_announcements, begin),
	};

	event_set_mem_functions(loop_malloc, loop_realloc, free);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
