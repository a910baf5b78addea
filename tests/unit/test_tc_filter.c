/* A link's filter of traffic control: which one is ours, and which announcements are about one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "os/firewall/tc_filter_linux.c"

#include "journal.h"

static _Alignas(8) char room[512];

/* --- the kernel: what it is asked, and what it answers -------------------------------------- */

static int results[8]; /* of requests, one after the other */
static size_t requests;
static uint32_t filtered; /* the place that has filters; 0 none */
static int dump_fails;

int netlink_request(struct netlink *n, struct nlmsghdr *m, netlink_message_fn *each, void *argument)
{
	const struct tcmsg *tc = mnl_nlmsg_get_payload(m);
	struct attributes list = attributes_of(m, sizeof *tc);
	const struct nlattr *options = attributes_find(list, TCA_OPTIONS);

	assert_true(n == NULL && each == NULL && argument == NULL);
	say("%u %x link %d parent %x handle %x info %x %s%s", m->nlmsg_type, m->nlmsg_flags, tc->tcm_ifindex,
	    tc->tcm_parent, tc->tcm_handle, tc->tcm_info,
	    attributes_find(list, TCA_KIND) == NULL ? "" : mnl_attr_get_str(attributes_find(list, TCA_KIND)),
	    options == NULL ? ""
	    : tc_filter_is_ours("bpf", options) &&
		    mnl_attr_get_u16(attributes_find(attributes_inside(options), TCA_BPF_OPS_LEN)) == LENGTH
		? " ours"
		: " another");
	return results[requests++];
}

int netlink_dump(struct netlink *n, struct nlmsghdr *m, netlink_message_fn *each, void (*again)(void *),
		 void *argument)
{
	const struct tcmsg *tc = mnl_nlmsg_get_payload(m);
	struct nlmsghdr *found = mnl_nlmsg_put_header(room);

	assert_true(n == NULL && again == NULL);
	say("%u link %d parent %x", m->nlmsg_type, tc->tcm_ifindex, tc->tcm_parent);
	found->nlmsg_type = RTM_DELTFILTER; /* no filter */
	each(found, argument);
	found->nlmsg_type = RTM_NEWTFILTER;
	if (filtered == tc->tcm_parent)
		each(found, argument);
	return dump_fails;
}

static bool no_links;

struct if_nameindex *if_nameindex(void)
{
	struct if_nameindex *links = calloc(3, sizeof *links);

	errno = ENOBUFS;
	if (no_links) {
		free(links);
		return NULL;
	}
	links[0].if_index = 7;
	links[1].if_index = 9;
	return links;
}

void if_freenameindex(struct if_nameindex *links)
{
	free(links);
}

static int begin(void **state)
{
	(void)state;
	memset(results, 0, sizeof results);
	requests = 0;
	filtered = 0;
	dump_fails = 0;
	no_links = false;
	journal[0] = '\0';
	return 0;
}

#define ADD_FILTER "44 401 link 7 parent fffffff3 handle 706f7274 info 570300 bpf ours\n"
#define ADD_PLACE "36 601 link 7 parent fffffff1 handle ffff0000 info 0 clsact\n"
#define REMOVE(link) "45 1 link " link " parent fffffff3 handle 706f7274 info 570300 bpf\n"
#define LOOK(link) "46 link " link " parent fffffff3\n46 link " link " parent fffffff2\n"
#define REMOVE_PLACE(link) "37 1 link " link " parent fffffff1 handle ffff0000 info 0 \n"

static void test_adding(void **state)
{
	static const struct {
		int results[3], result;
		const char *asked;
	} rows[] = {{{0}, 0, ADD_FILTER},
		    {{-EPERM}, -EPERM, ADD_FILTER},
		    {{-EINVAL, 0, 0}, 0, ADD_FILTER ADD_PLACE ADD_FILTER}, /* there was no place for it */
		    {{-EINVAL, -EEXIST, 0}, 0, ADD_FILTER ADD_PLACE ADD_FILTER},
		    {{-EINVAL, -EPERM, 0}, -EPERM, ADD_FILTER ADD_PLACE},
		    {{-EINVAL, 0, -EINVAL}, -EINVAL, ADD_FILTER ADD_PLACE ADD_FILTER}};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		begin(state);
		memcpy(results, rows[i].results, sizeof rows[i].results);
		assert_int_equal(tc_filter_add(NULL, 7), rows[i].result);
		assert_string_equal(journal, rows[i].asked);
	}
}

/* The place goes too, where nobody else has a filter. */
static void test_removing(void **state)
{
	static const int none[] = {ENOENT, EINVAL, ENODEV};

	(void)state;
	assert_int_equal(tc_filter_remove(NULL, 7), 0);
	assert_string_equal(journal, REMOVE("7") LOOK("7") REMOVE_PLACE("7"));
	begin(NULL);
	results[1] = -EBUSY;
	assert_int_equal(tc_filter_remove(NULL, 7), -EBUSY);
	for (unsigned i = 0; i < 2; i++) {
		begin(NULL);
		filtered = i == 0 ? EGRESS : INGRESS;
		assert_int_equal(tc_filter_remove(NULL, 7), 0);
		assert_string_equal(journal, REMOVE("7") LOOK("7"));
	}
	begin(NULL);
	dump_fails = -EPERM; /* nobody knows: it stays */
	assert_int_equal(tc_filter_remove(NULL, 7), 0);
	assert_string_equal(journal, REMOVE("7") "46 link 7 parent fffffff3\n");
	for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
		begin(NULL);
		results[0] = -none[i];
		assert_int_equal(tc_filter_remove(NULL, 7), 0);
		assert_string_equal(journal, REMOVE("7"));
	}
	begin(NULL);
	results[0] = -EPERM;
	assert_int_equal(tc_filter_remove(NULL, 7), -EPERM);
}

/* From each link; the first failure is told. */
static void test_removing_all(void **state)
{
	(void)state;
	assert_int_equal(tc_filter_remove_all(NULL), 0);
	assert_string_equal(journal,
			    REMOVE("7") LOOK("7") REMOVE_PLACE("7") REMOVE("9") LOOK("9") REMOVE_PLACE("9"));
	begin(NULL);
	results[0] = -EPERM;
	results[1] = -EIO;
	assert_int_equal(tc_filter_remove_all(NULL), -EPERM);
	assert_string_equal(journal, REMOVE("7") REMOVE("9"));
	begin(NULL);
	results[2] = -EIO;
	assert_int_equal(tc_filter_remove_all(NULL), -EIO);
	begin(NULL);
	no_links = true;
	assert_int_equal(tc_filter_remove_all(NULL), -ENOBUFS);
}

/* --- what it says ---------------------------------------------------------------------------- */

/* What the kernel says of a filter: its program with one word changed (-1: none), and its flags. */
static const struct nlattr *options_of(long changed, uint32_t flags, size_t size)
{
	struct sock_filter code[LENGTH];
	struct nlmsghdr *m = mnl_nlmsg_put_header(room);
	struct nlattr *options = mnl_attr_nest_start(m, TCA_OPTIONS);

	memcpy(code, program, sizeof code);
	if (changed >= 0)
		code[changed].k ^= 1;
	mnl_attr_put(m, TCA_BPF_OPS, size, code);
	if (flags != 0)
		mnl_attr_put_u32(m, TCA_BPF_FLAGS, flags);
	mnl_attr_nest_end(m, options);
	return options;
}

static void test_ours_by_what_it_does(void **state)
{
	(void)state;
	assert_true(tc_filter_is_ours("bpf", options_of(-1, TCA_BPF_FLAG_ACT_DIRECT, sizeof program)));
	assert_false(tc_filter_is_ours("u32", options_of(-1, TCA_BPF_FLAG_ACT_DIRECT, sizeof program)));
	assert_false(
	    tc_filter_is_ours("bpf", options_of(-1, 0, sizeof program))); /* its actions count then */
	assert_false(tc_filter_is_ours("bpf", options_of(-1, TCA_BPF_FLAG_ACT_DIRECT, sizeof program - 8)));
	for (long i = 0; i < LENGTH; i++)
		assert_false(
		    tc_filter_is_ours("bpf", options_of(i, TCA_BPF_FLAG_ACT_DIRECT, sizeof program)));
	assert_false(tc_filter_is_ours("bpf", NULL));
}

static const struct nlmsghdr *announcement(uint16_t type, uint32_t parent, uint32_t handle)
{
	struct nlmsghdr *m = mnl_nlmsg_put_header(room);
	struct tcmsg *tc = mnl_nlmsg_put_extra_header(m, sizeof *tc);

	m->nlmsg_type = type;
	*tc = (struct tcmsg){.tcm_ifindex = 7, .tcm_parent = parent, .tcm_handle = handle};
	return m;
}

static void test_announcements(void **state)
{
	struct nlmsghdr *torn = mnl_nlmsg_put_header(room);

	(void)state;
	torn->nlmsg_type = RTM_DELQDISC;
	assert_int_equal(tc_filter_changed(torn), 0);
	assert_int_equal(tc_filter_changed(announcement(RTM_DELQDISC, TC_H_CLSACT, PLACE)), 7);
	assert_int_equal(tc_filter_changed(announcement(RTM_DELQDISC, TC_H_ROOT, 0x10000)), 0);
	assert_int_equal(tc_filter_changed(announcement(RTM_NEWQDISC, TC_H_CLSACT, PLACE)), 0);
	assert_int_equal(tc_filter_changed(announcement(RTM_DELTFILTER, EGRESS, 0)), 7); /* all of them */
	assert_int_equal(tc_filter_changed(announcement(RTM_DELTFILTER, INGRESS, POLICY_NFT_MARK)), 0);
	assert_int_equal(tc_filter_changed(announcement(RTM_NEWTFILTER, EGRESS, POLICY_NFT_MARK)), 7);
	assert_int_equal(tc_filter_changed(announcement(RTM_NEWTFILTER, EGRESS, 1)), 0);
	assert_int_equal(tc_filter_changed(announcement(RTM_NEWTFILTER, INGRESS, POLICY_NFT_MARK)), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(test_adding, begin),
	    cmocka_unit_test_setup(test_removing, begin),
	    cmocka_unit_test_setup(test_removing_all, begin),
	    cmocka_unit_test(test_ours_by_what_it_does),
	    cmocka_unit_test(test_announcements),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
