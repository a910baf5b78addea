/* A link's filter of traffic control: which one is ours, and which announcements are about one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "os/firewall/tc_filter_linux.c"

static _Alignas(8) char room[512];

/* What the kernel says of a filter: its program with one word changed (-1: none), and its flags. */
static const struct nlattr *options_of(long changed, uint32_t flags, size_t size)
{
	struct sock_filter code[LENGTH + 1] = {0};
	struct nlmsghdr *m = mnl_nlmsg_put_header(room);
	struct nlattr *options = mnl_attr_nest_start(m, TCA_OPTIONS);

	memcpy(code, program, sizeof program);
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
	assert_false(tc_filter_is_ours("bpf", options_of(-1, TCA_BPF_FLAG_ACT_DIRECT << 1, sizeof program)));
	assert_false(tc_filter_is_ours("bpf", options_of(-1, TCA_BPF_FLAG_ACT_DIRECT, sizeof program - 8)));
	assert_false(tc_filter_is_ours("bpf", options_of(-1, TCA_BPF_FLAG_ACT_DIRECT, sizeof program + 8)));
	for (long i = 0; i < LENGTH; i++)
		assert_false(
		    tc_filter_is_ours("bpf", options_of(i, TCA_BPF_FLAG_ACT_DIRECT, sizeof program)));
	assert_false(tc_filter_is_ours("bpf", NULL));
}

/* A number that is longer than it should be is another one. */
static void test_lengths(void **state)
{
	static const uint32_t flags[2] = {TCA_BPF_FLAG_ACT_DIRECT, 0}, first_chain[2] = {0, 0};
	struct nlmsghdr *m = mnl_nlmsg_put_header(room);
	struct nlattr *options = mnl_attr_nest_start(m, TCA_OPTIONS);
	struct tcmsg *tc;

	(void)state;
	mnl_attr_put(m, TCA_BPF_OPS, sizeof program, program);
	mnl_attr_put(m, TCA_BPF_FLAGS, sizeof flags, flags);
	mnl_attr_nest_end(m, options);
	assert_false(tc_filter_is_ours("bpf", options));
	m = mnl_nlmsg_put_header(room);
	options = mnl_attr_nest_start(m, TCA_OPTIONS);
	mnl_attr_put_u32(m, TCA_BPF_FLAGS, TCA_BPF_FLAG_ACT_DIRECT);
	mnl_attr_nest_end(m, options);
	assert_false(tc_filter_is_ours("bpf", options)); /* no program */
	m = mnl_nlmsg_put_header(room);
	m->nlmsg_type = RTM_DELTFILTER;
	tc = mnl_nlmsg_put_extra_header(m, sizeof *tc);
	*tc = (struct tcmsg){.tcm_ifindex = 7, .tcm_parent = EGRESS};
	assert_int_equal(tc_filter_changed(m), 7); /* it names no chain: the first */
	mnl_attr_put(m, TCA_CHAIN, sizeof first_chain, first_chain);
	assert_int_equal(tc_filter_changed(m), 0);
}

static const struct nlmsghdr *announcement(uint16_t type, uint32_t parent, uint32_t handle, uint16_t priority,
					   uint32_t chain)
{
	struct nlmsghdr *m = mnl_nlmsg_put_header(room);
	struct tcmsg *tc = mnl_nlmsg_put_extra_header(m, sizeof *tc);

	m->nlmsg_type = type;
	*tc = (struct tcmsg){.tcm_ifindex = 7,
			     .tcm_parent = parent,
			     .tcm_handle = handle,
			     .tcm_info = TC_H_MAKE((uint32_t)priority << 16, 0x300)};
	if (type != RTM_DELQDISC && type != RTM_NEWQDISC)
		mnl_attr_put_u32(m, TCA_CHAIN, chain);
	return m;
}

static void test_announcements_of_the_place(void **state)
{
	struct nlmsghdr *torn = (void *)room;

	(void)state;
	(void)announcement(RTM_DELQDISC, TC_H_CLSACT, PLACE, 0, 0);
	torn->nlmsg_len--;
	assert_int_equal(tc_filter_changed(torn), 0);
	assert_int_equal(tc_filter_changed(announcement(RTM_DELQDISC, TC_H_CLSACT, PLACE, 0, 0)), 7);
	assert_int_equal(tc_filter_changed(announcement(RTM_DELQDISC, TC_H_ROOT, 0x10000, 0, 0)), 0);
	assert_int_equal(tc_filter_changed(announcement(RTM_NEWQDISC, TC_H_CLSACT, PLACE, 0, 0)), 0);
}

/* Ours, or all at once: a filter of somebody else is nobody's business of ours. */
static void test_announcements_of_filters(void **state)
{
	static const uint16_t types[] = {RTM_DELTFILTER, RTM_NEWTFILTER};

	(void)state;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(tc_filter_changed(announcement(types[i], EGRESS, POLICY_NFT_MARK, 87, 0)),
				 7);
		assert_int_equal(tc_filter_changed(announcement(types[i], EGRESS, 0, 87, 0)), 7);
		assert_int_equal(tc_filter_changed(announcement(types[i], EGRESS, 0, 0, 0)), 7);
		assert_int_equal(tc_filter_changed(announcement(types[i], EGRESS, 1, 87, 0)), 0);
		assert_int_equal(tc_filter_changed(announcement(types[i], EGRESS, POLICY_NFT_MARK, 1, 0)), 0);
		assert_int_equal(tc_filter_changed(announcement(types[i], EGRESS, POLICY_NFT_MARK, 87, 3)),
				 0);
		assert_int_equal(tc_filter_changed(announcement(types[i], INGRESS, POLICY_NFT_MARK, 87, 0)),
				 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_ours_by_what_it_does),
	    cmocka_unit_test(test_lengths),
	    cmocka_unit_test(test_announcements_of_the_place),
	    cmocka_unit_test(test_announcements_of_filters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
