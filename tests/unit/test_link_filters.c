/* The filters of traffic control against a kernel that the test plays: what it is asked, byte for byte and in
 * order, in tests/golden/link_filters; and what becomes of each refusal. */
#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/utsname.h>

#include <cmocka.h>
#include <libmnl/libmnl.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <net/if.h>

#include "golden.h"
#include "journal.h"
#include "os/firewall/nft/nft.h"
#include "os/firewall/tc_filter.h"

#define PLACE TC_H_MAKE(TC_H_CLSACT, 0)
#define EGRESS TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_EGRESS)
#define INGRESS TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS)

enum { OURS = 4711, OTHERS = 815 };

struct netlink {
	bool open;
};
static struct netlink route_socket;

/* The qdiscs that the kernel dumps; `stale` ones come first, in an answer that is not of one moment. */
static struct qdisc {
	int link;
	uint32_t handle;
	const char *kind; /* NULL: it says none */
	uint16_t type;
} qdiscs[8], stale[2];
static size_t behind;      /* bytes behind the end of a kind */
static uint32_t filter_at; /* the parent with a filter; 0: none */
static uint16_t filter_type;
static unsigned calls, fail_at; /* requests and dumps; 0: none fails */
static int failure;
static bool cannot_open, no_links;
static int probe_answer;
static const char *release; /* of the kernel; NULL: it does not say */
static _Alignas(8) char room[512];
static struct nft_firewall fw;

/* --- the kernel --------------------------------------------------------------------- */

struct netlink *netlink_open(int protocol, uint32_t wanted, int queue)
{
	say("open %d %u %d", protocol, wanted, queue);
	if (cannot_open) {
		errno = EMFILE;
		return NULL;
	}
	route_socket.open = true;
	return &route_socket;
}

uint32_t netlink_address(const struct netlink *n)
{
	assert_ptr_equal(n, &route_socket);
	return OURS;
}

/* Our calls in words, a request's attributes in bytes. */
static int answer(struct netlink *n, const char *how, const struct nlmsghdr *m)
{
	const struct tcmsg *tc = mnl_nlmsg_get_payload(m);
	const uint8_t *bytes = (const uint8_t *)(tc + 1);
	char hex[512] = "";

	assert_ptr_equal(n, &route_socket);
	assert_true(n->open && m->nlmsg_len >= NLMSG_HDRLEN + sizeof *tc && m->nlmsg_len < 256);
	for (size_t i = 0; i < m->nlmsg_len - NLMSG_HDRLEN - sizeof *tc; i++)
		snprintf(hex + 2 * i, sizeof hex - 2 * i, "%02x", bytes[i]);
	say("%s %u flags %x family %u link %d parent %08x handle %08x info %08x %s", how, m->nlmsg_type,
	    m->nlmsg_flags, tc->tcm_family, tc->tcm_ifindex, tc->tcm_parent, tc->tcm_handle, tc->tcm_info,
	    hex);
	return ++calls == fail_at ? failure : 0;
}

int netlink_request(struct netlink *n, struct nlmsghdr *request, netlink_message_fn *each, void *argument)
{
	assert_true(each == NULL && argument == NULL);
	return answer(n, "request", request);
}

static void tell(const struct qdisc *qdisc, netlink_message_fn *each, void *argument)
{
	struct nlmsghdr *m = mnl_nlmsg_put_header(room);
	struct tcmsg *tc = mnl_nlmsg_put_extra_header(m, sizeof *tc);

	m->nlmsg_type = qdisc->type;
	*tc = (struct tcmsg){.tcm_ifindex = qdisc->link, .tcm_handle = qdisc->handle};
	if (qdisc->kind != NULL) {
		char kind[IF_NAMESIZE] = "";

		snprintf(kind, sizeof kind, "%s", qdisc->kind);
		mnl_attr_put(m, TCA_KIND, strlen(kind) + 1 + behind, kind);
	}
	each(m, argument);
}

int netlink_dump(struct netlink *n, struct nlmsghdr *request, netlink_message_fn *each,
		 void (*again)(void *argument), void *argument)
{
	const struct tcmsg *tc = mnl_nlmsg_get_payload(request);
	int result = answer(n, "dump", request);

	if (request->nlmsg_type == RTM_GETTFILTER) {
		if (tc->tcm_parent == filter_at)
			tell(&(struct qdisc){.type = filter_type}, each, argument);
		return result;
	}
	for (size_t i = 0; i < sizeof stale / sizeof stale[0] && stale[i].type != 0; i++)
		tell(&stale[i], each, argument);
	again(argument);
	for (size_t i = 0; i < sizeof qdiscs / sizeof qdiscs[0] && qdiscs[i].type != 0; i++)
		tell(&qdiscs[i], each, argument);
	return result;
}

/* This machine's links: 2 to 4; the last is nobody's, for the name of 9 isn't known. */
struct if_nameindex *if_nameindex(void)
{
	static struct if_nameindex list[] = {
	    {2, (char *)"en2"}, {3, (char *)"en3"}, {4, (char *)"en4"}, {0, NULL}};

	say("links");
	errno = ENOBUFS;
	return no_links ? NULL : list;
}

void if_freenameindex(struct if_nameindex *list)
{
	say("free %u", list[0].if_index);
}

char *if_indextoname(unsigned index, char name[IF_NAMESIZE])
{
	if (index >= 9)
		return NULL;
	snprintf(name, IF_NAMESIZE, "en%u", index);
	return name;
}

int uname(struct utsname *kernel)
{
	if (release == NULL)
		return -1;
	snprintf(kernel->release, sizeof kernel->release, "%s", release);
	return 0;
}

int nft_probe_unknown_link(struct nft_firewall *asked)
{
	assert_ptr_equal(asked, &fw);
	say("probe");
	return probe_answer;
}

/* --- the world ------------------------------------------------------------------------ */

static int begin(void **state)
{
	(void)state;
	if (htonl(1) == 1)
		skip(); /* the golden file is of a machine with the lowest byte first */
	memset(qdiscs, 0, sizeof qdiscs);
	memset(stale, 0, sizeof stale);
	memset(&fw, 0, sizeof fw);
	fw.desired.features.egress = true;
	fw.desired.links[0] = (struct nft_link){"en2", 2};
	fw.desired.links[1] = (struct nft_link){"gone", 0};
	fw.desired.links[2] = (struct nft_link){"en3", 3};
	fw.desired.link_count = 3;
	probe_answer = 1;
	release = "5.14.0-503.el9";
	filter_at = calls = fail_at = 0;
	filter_type = RTM_NEWTFILTER;
	cannot_open = no_links = false;
	route_socket.open = true;
	journal[0] = '\0';
	return 0;
}

/* What follows is asked of a kernel whose call of this number (0: none) fails. */
static void let_fail(unsigned at, int result)
{
	calls = 0;
	fail_at = at;
	failure = result;
}

static void on_refused(unsigned link, int result, void *argument)
{
	assert_ptr_equal(argument, &calls);
	say("refused %u %s", link, strerror(-result));
}

static int add(const unsigned *links, size_t count, bool replace)
{
	return tc_filter_add(&route_socket, links, count, replace, on_refused, &calls);
}

static unsigned times(const char *what)
{
	unsigned count = 0;

	for (const char *at = journal; (at = strstr(at, what)) != NULL; at++)
		count++;
	return count;
}

/* --- adding and removing ---------------------------------------------------------------- */

static const unsigned links[] = {2, 0, 3, 4, 5, 6};
enum { COUNT = sizeof links / sizeof links[0] };

/* Link 2 has our place, 3 has another in it, 4 none, 5 and 6 what is no place. */
static void put_qdiscs(void)
{
	const struct qdisc all[] = {
	    {9, PLACE, "ingress", RTM_NEWQDISC}, {2, PLACE, "clsact", RTM_NEWQDISC},
	    {3, PLACE, "clsact2", RTM_NEWQDISC}, {5, 0x10000, "ingress", RTM_NEWQDISC},
	    {6, PLACE, NULL, RTM_NEWQDISC},      {6, PLACE, "ingress", RTM_DELQDISC},
	};

	memcpy(qdiscs, all, sizeof all);
	stale[0] = (struct qdisc){4, PLACE, "clsact", RTM_NEWQDISC};
	stale[1] = (struct qdisc){6, PLACE, "ingress", RTM_NEWQDISC};
}

/* Everything that the kernel is asked, and once for each of its calls that fails. */
static void test_requests(void **state)
{
	static const int failures[] = {-EEXIST, -ENODEV, -EBUSY};

	(void)state;
	put_qdiscs();
	for (int replace = 0; replace < 2; replace++) {
		say("== %s", replace ? "replaced" : "added");
		assert_int_equal(add(links, COUNT, replace), 0);
	}
	assert_int_equal(calls, 2 * 9);
	for (size_t i = 0; i < sizeof failures / sizeof failures[0]; i++)
		for (unsigned at = 1; at <= 9; at++) {
			let_fail(at, failures[i]);
			say("== call %u: %s", at, strerror(-failures[i]));
			assert_int_equal(add(links, COUNT, false), at == 1 ? failures[i] : 0);
		}
	let_fail(0, 0);
	say("== removed");
	assert_int_equal(tc_filter_remove(&route_socket, 3, true), 0);
	assert_golden("tests/golden/link_filters", journal);
}

/* A kind that only begins as ours does, and one that is shorter, are other ones. */
static void test_other_places(void **state)
{
	static const char *const kinds[] = {"clsac", "clsact2", "clsakt", "ingress", ""};
	const unsigned one = 2;

	(void)state;
	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		journal[0] = '\0';
		qdiscs[0] = (struct qdisc){2, PLACE, kinds[i], RTM_NEWQDISC};
		assert_int_equal(add(&one, 1, false), 0);
		assert_int_equal(times("refused 2 Device or resource busy"), 1);
		assert_int_equal(times("request"), 1);
		assert_int_equal(times("request 45 "), 1); /* ours is taken out of it */
	}
	qdiscs[0].kind = "clsact";
	behind = 1;
	assert_int_equal(add(&one, 1, false), 0);
	assert_int_equal(times("refused"), 2);
	behind = 0;
	journal[0] = '\0';
	assert_int_equal(add(&one, 1, false), 0);
	assert_int_equal(times("refused"), 0);
	assert_int_equal(times("request 44 "), 1);
}

static void test_more_links_than_there_is_room_for(void **state)
{
	static unsigned many[TC_FILTER_LINKS + 2];

	(void)state;
	for (unsigned i = 0; i < TC_FILTER_LINKS + 2; i++)
		many[i] = i + 1;
	for (size_t count = TC_FILTER_LINKS - 1; count <= TC_FILTER_LINKS + 2; count++) {
		size_t wanted = count < TC_FILTER_LINKS ? count : TC_FILTER_LINKS;

		let_fail(0, 0);
		journal[0] = '\0';
		assert_int_equal(add(many, count, false), 0);
		assert_int_equal(calls, 1 + 2 * wanted); /* a dump; a place and a filter for each */
	}
}

/* The place goes only where it is known to be empty; what was not there is no failure. */
static void test_removal(void **state)
{
	static const int harmless[] = {-ENOENT, -EINVAL, -EOPNOTSUPP, -ENODEV},
			 failures[] = {-EPERM, -EBUSY, -ENOBUFS, -EEXIST};

	(void)state;
	assert_int_equal(tc_filter_remove(&route_socket, 2, true), 0);
	assert_int_equal(times("request 37 "), 1);
	journal[0] = '\0';
	assert_int_equal(tc_filter_remove(&route_socket, 2, false), 0);
	assert_int_equal(times("request 37 "), 0); /* the place stays */
	assert_int_equal(times("request "), 1);
	for (unsigned at = 2; at <= 4; at++) {
		let_fail(at, -EIO);
		journal[0] = '\0';
		assert_int_equal(tc_filter_remove(&route_socket, 2, true), 0);
		assert_int_equal(times("request 37 "), at == 4);
	}
	let_fail(0, 0);
	for (int i = 0; i < 2; i++) {
		filter_at = i == 0 ? EGRESS : INGRESS;
		journal[0] = '\0';
		assert_int_equal(tc_filter_remove(&route_socket, 2, true), 0);
		assert_int_equal(times("request 37 "), 0);
		filter_type = NLMSG_NOOP; /* no filter */
		assert_int_equal(tc_filter_remove(&route_socket, 2, true), 0);
		assert_int_equal(times("request 37 "), 1);
		filter_type = RTM_NEWTFILTER;
	}
	for (size_t i = 0; i < 4; i++) {
		let_fail(1, harmless[i]);
		assert_int_equal(tc_filter_remove(&route_socket, 2, true), 0);
		assert_int_equal(calls, 1);
		let_fail(1, failures[i]);
		assert_int_equal(tc_filter_remove(&route_socket, 2, true), failures[i]);
		assert_int_equal(calls, 1);
	}
}

static void test_removal_of_all(void **state)
{
	(void)state;
	for (unsigned at = 0; at <= 9; at++) { /* four calls a link, one where the first fails */
		let_fail(at, -EPERM);
		journal[0] = '\0';
		assert_int_equal(tc_filter_remove_all(&route_socket, true), at % 4 == 1 ? -EPERM : 0);
		for (unsigned link = 2; link <= 4; link++) {
			char removal[64];

			snprintf(removal, sizeof removal, "request 45 flags 1 family 0 link %u ", link);
			assert_int_equal(times(removal), 1);
		}
		assert_int_equal(times("free 2\n"), 1);
	}
	no_links = true;
	journal[0] = '\0';
	assert_int_equal(tc_filter_remove_all(&route_socket, true), -ENOBUFS);
	assert_string_equal(journal, "links\n");
}

/* --- which links ------------------------------------------------------------------------- */

static void filter_links(unsigned tunnel)
{
	calls = 0;
	journal[0] = '\0';
	nft_filter_links(&fw, tunnel);
}

static void test_each_link_with_a_chain(void **state)
{
	(void)state;
	filter_links(0);
	assert_int_equal(times("open 0 0 0\n"), 1);
	assert_int_equal(times("request 45 "), 0);
	assert_int_equal(times("request 44 flags 401 family 0 link "),
			 2); /* replaced: who knows what it is */
	assert_true(fw.filters.known && fw.filters.active && fw.filters.asked && fw.filters.needed);
	assert_false(fw.filters.cleared);
	filter_links(7);
	assert_int_equal(times("open") + times("probe"), 0);
	assert_int_equal(times("request 44 flags 601 family 0 link 2 "), 1);
	assert_int_equal(times("request 44 flags 601 family 0 link 3 "), 1);
	assert_int_equal(times("request 45 flags 1 family 0 link 7 "), 1);
	assert_true(is_before("link 3 ", "link 7 "));
	fail_at = 1; /* the places can't be read: nothing is known */
	failure = -EIO;
	filter_links(0);
	assert_false(fw.filters.known);
	assert_true(fw.filters.active);
	fail_at = 0;
	filter_links(0);
	assert_int_equal(times("request 44 flags 401 "), 2);
}

static void test_where_none_is_needed(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++) {
		begin(NULL);
		fw.desired.features.egress = i != 0;
		fw.desired.features.every_link = i == 1;
		probe_answer = 0;
		let_fail(1, -EPERM);
		nft_filter_links(&fw, 7);
		assert_int_equal(times("probe\n"), i == 2); /* the other two name no links */
		assert_false(fw.filters.cleared);
		fail_at = 0;
		filter_links(7);
		assert_true(fw.filters.cleared);
		assert_false(fw.filters.active || fw.filters.known);
		assert_int_equal(times("request 45 "), 3); /* what an earlier run left */
		assert_int_equal(times("request 44 ") + times("probe"), 0);
		filter_links(7);
		assert_string_equal(journal, "");
	}
}

/* What its number says is not probed; what is no number, is. */
static void test_the_number_of_the_kernel(void **state)
{
	static const char *const known[] = {"6.16.0", "6.16-rc1", "6.18.44-x", "7.0", "10.2.1"},
				 *const asked[] = {"6.15.9", "5.99.1", "6", "six.sixteen", "", NULL};

	(void)state;
	for (size_t i = 0; i < 5; i++) {
		begin(NULL);
		release = known[i];
		filter_links(0);
		assert_int_equal(times("probe\n"), 0);
		assert_true(fw.filters.active);
	}
	for (size_t i = 0; i < 6; i++) {
		begin(NULL);
		release = asked[i];
		filter_links(0);
		assert_int_equal(times("probe\n"), 1);
	}
}

/* Until the kernel says that it needs none. */
static void test_a_kernel_that_does_not_say(void **state)
{
	(void)state;
	probe_answer = -1;
	for (int i = 0; i < 2; i++) {
		filter_links(0);
		assert_int_equal(times("probe\n"), 1);
		assert_int_equal(times("request 44 "), 2);
		assert_false(fw.filters.asked);
	}
	probe_answer = 0;
	filter_links(0);
	assert_int_equal(times("request 44 "), 0);
	assert_true(fw.filters.asked && fw.filters.cleared);
	filter_links(0);
	assert_string_equal(journal, "");
}

static void test_without_a_socket(void **state)
{
	(void)state;
	cannot_open = true;
	filter_links(7);
	assert_string_equal(journal, "open 0 0 0\n");
	assert_false(fw.filters.active);
	assert_int_equal(nft_unfilter_links(&fw, true), -EMFILE);
	cannot_open = false;
	fw.filters.active = fw.filters.known = true;
	assert_int_equal(nft_unfilter_links(&fw, true), 0);
	assert_int_equal(times("request 45 "), 3);
	assert_false(fw.filters.active || fw.filters.known);
	let_fail(1, -EPERM);
	assert_int_equal(nft_unfilter_links(&fw, true), -EPERM);
}

static void test_the_note(void **state)
{
	(void)state;
	fw.desired.links[0].index = 9; /* without a name by now */
	for (unsigned i = 0; i < 2; i++)
		qdiscs[i] = (struct qdisc){i == 0 ? 9 : 3, PLACE, "ingress", RTM_NEWQDISC};
	filter_links(0);
	assert_string_equal(fw.note, "root's packet sockets are unfiltered while en3 is renamed: a tc filter "
				     "can't be added: Device or resource busy");
	assert_true(fw.filters.active);
	fw.desired.links[2].index = 4; /* the first one stays */
	qdiscs[1].link = 4;
	filter_links(0);
	assert_non_null(strstr(fw.note, " en3 is renamed"));
}

/* --- announcements -------------------------------------------------------------------------- */

static const struct nlmsghdr *announcement(uint16_t type, int link, uint32_t who)
{
	struct nlmsghdr *m = mnl_nlmsg_put_header(room);

	m->nlmsg_type = type;
	m->nlmsg_pid = who;
	if (type == RTM_DELLINK) {
		struct ifinfomsg *info = mnl_nlmsg_put_extra_header(m, sizeof *info);

		info->ifi_index = link;
	} else {
		struct tcmsg *tc = mnl_nlmsg_put_extra_header(m, sizeof *tc);

		*tc = (struct tcmsg){.tcm_ifindex = link, .tcm_parent = EGRESS, .tcm_handle = PLACE};
	}
	fw.verified = fw.filters.known = true;
	return m;
}

static void test_changes_by_others(void **state)
{
	static const uint16_t types[] = {RTM_DELQDISC, RTM_DELLINK};

	(void)state;
	fw.filters.route = &route_socket;
	for (size_t i = 0; i < 2; i++) {
		fw.filters.active = false;
		assert_false(nft_filter_changed(&fw, announcement(types[i], 3, OTHERS)));
		fw.filters.active = true;
		assert_true(nft_filter_changed(&fw, announcement(types[i], 3, OTHERS)));
		assert_int_equal(fw.verified, types[i] != RTM_DELLINK);
		assert_int_equal(fw.filters.known, types[i] == RTM_DELLINK);
		assert_false(nft_filter_changed(&fw, announcement(types[i], 3, OURS)));
		assert_true(fw.verified && fw.filters.known);
		for (int link = 0; link < 5; link += 4) { /* one that is not there, and one without a chain */
			assert_false(nft_filter_changed(&fw, announcement(types[i], link, OTHERS)));
			assert_true(fw.verified && fw.filters.known);
		}
		fw.filters.known = true;
	}
	assert_false(nft_filter_changed(&fw, announcement(RTM_NEWQDISC, 3, OTHERS)));
	fw.desired.links[2].index = 9; /* no link has its index now */
	assert_false(nft_filter_changed(&fw, announcement(RTM_DELLINK, 9, OTHERS)));
	assert_false(fw.verified);
}

static void test_a_torn_announcement(void **state)
{
	struct nlmsghdr *m;

	(void)state;
	fw.filters.route = &route_socket;
	fw.filters.active = true;
	m = (struct nlmsghdr *)(void *)room;
	(void)announcement(RTM_DELLINK, 3, OTHERS);
	m->nlmsg_len--;
	assert_false(nft_filter_changed(&fw, m));
	assert_true(fw.verified);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(test_requests, begin),
	    cmocka_unit_test_setup(test_other_places, begin),
	    cmocka_unit_test_setup(test_more_links_than_there_is_room_for, begin),
	    cmocka_unit_test_setup(test_removal, begin),
	    cmocka_unit_test_setup(test_removal_of_all, begin),
	    cmocka_unit_test_setup(test_each_link_with_a_chain, begin),
	    cmocka_unit_test_setup(test_where_none_is_needed, begin),
	    cmocka_unit_test_setup(test_the_number_of_the_kernel, begin),
	    cmocka_unit_test_setup(test_a_kernel_that_does_not_say, begin),
	    cmocka_unit_test_setup(test_without_a_socket, begin),
	    cmocka_unit_test_setup(test_the_note, begin),
	    cmocka_unit_test_setup(test_changes_by_others, begin),
	    cmocka_unit_test_setup(test_a_torn_announcement, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
