/* The watch over the kernel's nftables, on datagrams as a kernel sends them: one report for each foreign
 * transaction. */
#include <errno.h>
#include <event2/event.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "os/firewall/nft/watch.c"

enum { OURS = 4711, OTHERS = 815 };

struct netlink {
	int result; /* what hearing gives next; one datagram lies in `queue` if it is 1 */
};
static struct netlink socket_of_kernel, socket_of_tc;
static _Alignas(8) uint8_t room[64 * 1024];
static struct nft_buffer queue;
static struct nft_firewall fw;
static struct err e;
static struct event_base *base;
static int reports, pipe_of_kernel[2];

struct netlink *netlink_open(int protocol, uint32_t wanted, int size)
{
	(void)wanted, (void)size;
	return protocol == NETLINK_ROUTE ? &socket_of_tc : &socket_of_kernel;
}

void netlink_close(struct netlink *n)
{
	(void)n;
}

int netlink_fd(const struct netlink *n)
{
	return pipe_of_kernel[n == &socket_of_tc];
}

int netlink_join(struct netlink *n, int group)
{
	assert_true(n == &socket_of_tc ? group == RTNLGRP_TC || group == RTNLGRP_LINK
				       : group == NFNLGRP_NFTABLES);
	return 0;
}

bool netlink_receive_all(struct netlink *n, int datagrams, netlink_message_fn *each, void *argument)
{
	int result = n->result, left = (int)queue.used;

	for (const struct nlmsghdr *m = (const void *)room; result == 1 && mnl_nlmsg_ok(m, left);
	     m = mnl_nlmsg_next(m, &left))
		each(m, argument);
	assert_true(datagrams > 0);
	n->result = 0;
	return result >= 0;
}

/* So that the test says which announcements are about a filter of ours, and not by whom. */
bool nft_filter_changed(struct nft_firewall *unused, const struct nlmsghdr *message)
{
	(void)unused;
	return message->nlmsg_type == RTM_DELTFILTER;
}

bool nft_names_are_better(struct nft_firewall *unused)
{
	(void)unused;
	return false;
}

static void report(const char *what, void *argument)
{
	(void)argument;
	assert_string_equal(what, "somebody else changed our rules");
	reports++;
}

static void put_rule(uint32_t who, uint8_t family, const char *table)
{
	struct nlmsghdr *m = nft_message(&queue, NFT_MSG_DELRULE, 0, family);

	m->nlmsg_pid = who;
	mnl_attr_put_strz(m, NFTA_RULE_TABLE, table);
	mnl_attr_put_strz(m, NFTA_RULE_CHAIN, "in");
	nft_message_end(&queue, m);
}

static void put_end(uint32_t who, uint32_t generation)
{
	struct nlmsghdr *m = nft_message(&queue, NFT_MSG_NEWGEN, 0, AF_UNSPEC);

	m->nlmsg_pid = who;
	nft_put_be32(m, NFTA_GEN_ID, generation);
	nft_message_end(&queue, m);
}

/* The daemon wakes up with what lies there, or with what hearing it comes to. */
static void wake(int result)
{
	socket_of_kernel.result = result;
	on_events(pipe_of_kernel[0], EV_READ, fw.watch);
	nft_buffer_empty(&queue);
}

static int setup(void **state)
{
	(void)state;
	reports = 0;
	queue = (struct nft_buffer){.bytes = room, .size = sizeof room};
	fw = (struct nft_firewall){
	    .verified = true, .generation = 7, .desired.owner = OURS, .desired.features.ipv6 = true};
	assert_int_equal(pipe(pipe_of_kernel), 0);
	base = event_base_new();
	return base == NULL ? -1 : nft_watch_open(&fw.common, base, report, NULL, &e);
}

static int teardown(void **state)
{
	(void)state;
	nft_watch_close(fw.watch);
	event_base_free(base);
	close(pipe_of_kernel[0]);
	close(pipe_of_kernel[1]);
	return 0;
}

/* A kernel sends a long transaction in several datagrams, its generation last; we may wake after the first.
 */
static void test_one_report_for_a_transaction_in_pieces(void **state)
{
	(void)state;
	put_rule(OTHERS, NFPROTO_INET, "portcullis");
	wake(1);
	assert_false(fw.verified);
	put_rule(OTHERS, NFPROTO_INET, "portcullis");
	wake(1);
	assert_int_equal(reports, 0);
	put_rule(OTHERS, NFPROTO_INET, "portcullis");
	put_end(OTHERS, 8);
	wake(1);
	assert_int_equal(reports, 1);
	wake(0);
	assert_int_equal(reports, 1);
}

static void test_our_own_and_other_tables_are_not_reported(void **state)
{
	(void)state;
	put_rule(OURS, NFPROTO_INET, "portcullis");
	put_end(OURS, 8);
	wake(1);
	fw.generation = 8; /* as the flip itself has noted */
	put_rule(OTHERS, NFPROTO_INET, "filter");
	put_rule(OTHERS, NFPROTO_IPV4, "portcullis");
	put_end(OTHERS, 9);
	wake(1);
	assert_int_equal(reports, 0);
	assert_true(fw.verified);
	assert_int_equal(fw.generation, 9); /* the next flip is one still */
}

static void test_each_table_of_ours_is_reported(void **state)
{
	static const uint8_t families[] = {NFPROTO_INET, NFPROTO_NETDEV, NFPROTO_BRIDGE};

	(void)state;
	for (int i = 0; i < 3; i++) {
		fw.verified = true;
		put_rule(OTHERS, families[i], "portcullis");
		put_end(OTHERS, 8);
		wake(1);
		assert_int_equal(reports, i + 1);
		assert_false(fw.verified);
	}
}

static void wake_by_tc(int result, uint16_t type)
{
	mnl_nlmsg_put_header(room)->nlmsg_type = type;
	queue.used = sizeof(struct nlmsghdr);
	socket_of_tc.result = result;
	on_events(pipe_of_kernel[1], EV_READ, fw.watch);
	nft_buffer_empty(&queue);
}

static void test_a_links_filter_that_somebody_changed_is_reported(void **state)
{
	(void)state;
	wake_by_tc(1, RTM_NEWQDISC);
	assert_int_equal(reports, 0);
	assert_true(fw.verified);
	wake_by_tc(1, RTM_DELTFILTER);
	assert_int_equal(reports, 1);
	assert_false(fw.verified);
}

static void test_links_filters_are_unknown_where_the_kernel_lost_something(void **state)
{
	(void)state;
	fw.filters.known = true;
	wake_by_tc(-ENOBUFS, 0);
	assert_int_equal(reports, 1);
	assert_false(fw.filters.known);
}

/* Where the kernel lost something, anything may have happened: no end of a transaction is waited for. */
static void test_lost_and_torn_are_reported_at_once(void **state)
{
	(void)state;
	wake(-ENOBUFS);
	assert_int_equal(reports, 1);
	assert_false(fw.verified);
	wake(-EPROTO);
	assert_int_equal(reports, 2);
	wake(-EBADF);
	assert_int_equal(reports, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_one_report_for_a_transaction_in_pieces, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_our_own_and_other_tables_are_not_reported, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_each_table_of_ours_is_reported, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_a_links_filter_that_somebody_changed_is_reported, setup,
					    teardown),
	    cmocka_unit_test_setup_teardown(test_links_filters_are_unknown_where_the_kernel_lost_something,
					    setup, teardown),
	    cmocka_unit_test_setup_teardown(test_lost_and_torn_are_reported_at_once, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
