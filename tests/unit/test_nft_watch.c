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

#include "journal.h"
#include "leaks.h"
#include "no_memory.h"
#include "os/firewall/nft/watch.c"
#include "timer_standin.h"

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
static unsigned calls, fail_at; /* opening and joining; 0: none fails */
static bool better;             /* are there names that we had rather? */
static const char *wanted_report;

static bool fails(void)
{
	errno = EMFILE;
	return ++calls == fail_at;
}

struct netlink *netlink_open(int protocol, uint32_t wanted, int queue_size)
{
	assert_int_equal(wanted, 0);
	say("open %d %d", protocol, queue_size);
	return fails() ? NULL : protocol == NETLINK_ROUTE ? &socket_of_tc : &socket_of_kernel;
}

void netlink_close(struct netlink *n)
{
	say("close %s", n == NULL ? "nothing" : n == &socket_of_tc ? "tc" : "nft");
}

int netlink_fd(const struct netlink *n)
{
	return pipe_of_kernel[n == &socket_of_tc];
}

int netlink_join(struct netlink *n, int group)
{
	say("join %s %d", n == &socket_of_tc ? "tc" : "nft", group);
	return fails() ? -1 : 0;
}

bool netlink_receive_all(struct netlink *n, int datagrams, netlink_message_fn *each, void *argument)
{
	int result = n->result, left = (int)queue.used;

	for (const struct nlmsghdr *m = (const void *)room; result == 1 && mnl_nlmsg_ok(m, left);
	     m = mnl_nlmsg_next(m, &left))
		each(m, argument);
	assert_int_equal(datagrams, 512);
	n->result = 0;
	return result >= 0;
}

/* So that the test says which announcements are about a filter of ours, and not by whom. */
bool nft_filter_changed(struct nft_firewall *unused, const struct nlmsghdr *message)
{
	(void)unused;
	return message->nlmsg_type == RTM_DELTFILTER;
}

bool nft_names_are_better(struct nft_firewall *asked)
{
	assert_ptr_equal(asked, &fw);
	say("better?");
	return better;
}

static void report(const char *what, void *argument)
{
	assert_ptr_equal(argument, &reports);
	assert_string_equal(what, wanted_report);
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
	calls = fail_at = 0;
	better = false;
	wanted_report = "somebody else changed our rules";
	journal[0] = '\0';
	queue = (struct nft_buffer){.bytes = room, .size = sizeof room};
	fw = (struct nft_firewall){
	    .verified = true, .generation = 7, .desired.owner = OURS, .desired.features.ipv6 = true};
	assert_int_equal(pipe(pipe_of_kernel), 0);
	base = event_base_new();
	return base == NULL ? -1 : nft_watch_open(&fw.common, base, report, &reports, &e);
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

/* A turn of the loop finds each socket, and says which one. */
static void test_both_sockets_wake_us(void **state)
{
	static const char byte = 0;

	(void)state;
	assert_int_equal(event_base_get_num_events(base, EVENT_BASE_COUNT_ADDED), 2);
	assert_true(event_get_fd(fw.watch->event) == pipe_of_kernel[0] &&
		    event_get_fd(fw.watch->tc_event) == pipe_of_kernel[1]);
	assert_true(event_get_events(fw.watch->event) == (EV_READ | EV_PERSIST) &&
		    event_get_events(fw.watch->tc_event) == (EV_READ | EV_PERSIST));
	socket_of_kernel.result = -ENOBUFS;
	assert_int_equal(write(pipe_of_kernel[1], &byte, 1), 1);
	event_base_loop(base, EVLOOP_ONCE);
	assert_int_equal(reports, 1);
	event_base_loop(base, EVLOOP_ONCE); /* nothing more is lost */
	assert_int_equal(reports, 1);
}

/* What another subsystem says, and a generation that is not the next one. */
static void test_other_messages(void **state)
{
	(void)state;
	put_end(OTHERS, 9);
	wake(1);
	assert_int_equal(fw.generation, 7);
	put_end(OTHERS, 6);
	wake(1);
	assert_int_equal(fw.generation, 7);
	put_rule(OTHERS, NFPROTO_INET, "portcullis");
	((struct nlmsghdr *)(void *)room)->nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8 | NFT_MSG_DELRULE;
	put_end(OTHERS, 8);
	wake(1);
	assert_int_equal(reports, 0);
	assert_true(fw.verified);
	assert_int_equal(fw.generation, 8);
	fw.verified = false;
	put_end(OTHERS, 9);
	wake(1);
	assert_int_equal(fw.generation, 8);
	put_end(OTHERS, 9); /* a report is of one transaction only */
	wake(1);
	assert_int_equal(reports, 0);
}

static void test_each_name_of_ours(void **state)
{
	static const char *const names[] = {"portcullis", "portcullis_second", "portcullis_third"};

	(void)state;
	for (int i = 0; i < 3; i++) {
		put_rule(OTHERS, NFPROTO_INET, names[i]);
		put_end(OTHERS, 8);
		wake(1);
		assert_int_equal(reports, i + 1);
	}
	put_end(OTHERS, 9);
	wake(1);
	assert_int_equal(reports, 3);
}

/* Filters of links are reported whole as they come: nothing ends their transaction. */
static void test_filters_known_by_their_own(void **state)
{
	(void)state;
	fw.filters.known = true;
	wake_by_tc(1, RTM_DELTFILTER);
	assert_true(fw.filters.known); /* that is for who looked at it */
	put_end(OTHERS, 8);
	wake(1);
	assert_int_equal(reports, 1);
	wake(-ENOBUFS);
	assert_false(fw.filters.known);
}

/* While another process has our name we look again and again, and soon. */
static void test_names_that_are_free_again(void **state)
{
	(void)state;
	assert_false(event_pending(fw.watch->others, EV_TIMEOUT, NULL));
	nft_watch_others(NULL);
	nft_watch_others(fw.watch);
	assert_false(event_pending(fw.watch->others, EV_TIMEOUT, NULL));
	fw.others = true;
	nft_watch_others(fw.watch);
	assert_true(event_pending(fw.watch->others, EV_TIMEOUT, NULL));
	assert_int_equal(timer_ms, 250);
	for (int i = 0; i < 2; i++) {
		journal[0] = '\0';
		better = i == 1;
		wanted_report = "another process has released tables of our name";
		event_base_loop(base, EVLOOP_ONCE);
		assert_string_equal(journal, "better?\n");
		assert_int_equal(reports, i);
		assert_int_equal(fw.verified, i == 0);
		assert_true(event_pending(fw.watch->others, EV_TIMEOUT, NULL));
	}
	fw.others = false;
	event_base_loop(base, EVLOOP_ONCE);
	assert_false(event_pending(fw.watch->others, EV_TIMEOUT, NULL));
}

static int open_again(void)
{
	nft_watch_close(fw.watch);
	fw.watch = NULL;
	calls = 0;
	journal[0] = e.text[0] = '\0';
	return nft_watch_open(&fw.common, base, report, &reports, &e);
}

/* Each way that opening can fail is told, and leaves nothing behind that wakes us. */
static void test_opening(void **state)
{
	(void)state;
	assert_string_equal(journal, "open 12 4194304\nopen 0 4194304\njoin nft 7\njoin tc 4\njoin tc 1\n");
	for (unsigned at = 1; at <= 5; at++) {
		fail_at = at;
		assert_int_equal(open_again(), -1);
		assert_string_equal(e.text, "the kernel's nftables can't be watched: Too many open files");
		assert_int_equal(event_base_get_num_events(base, EVENT_BASE_COUNT_ADDED), 0);
		journal[0] = '\0';
		nft_watch_close(fw.watch);
		fw.watch = NULL;
		assert_string_equal(journal, at == 1   ? "close nothing\nclose tc\n"
					     : at == 2 ? "close nft\nclose nothing\n"
						       : "close nft\nclose tc\n");
	}
	fail_at = 0;
	for (unsigned at = 1; at <= 3 + MEMORY_CAN_FAIL; at++) { /* ours, and each event */
		nft_watch_close(fw.watch);
		fw.watch = NULL;
		memory_fails_at = at;
		assert_int_equal(open_again(), -1);
		memory_fails_at = 0;
		assert_memory_equal(e.text, "the kernel's nftables can't be watched: ", 40);
		assert_int_equal(event_base_get_num_events(base, EVENT_BASE_COUNT_ADDED), 0);
	}
	fw.others = true;
	assert_int_equal(open_again(), 0);
	assert_true(event_pending(fw.watch->others, EV_TIMEOUT, NULL));
	fw.others = false;
}

static void test_closing(void **state)
{
	(void)state;
	journal[0] = '\0';
	nft_watch_close(fw.watch);
	fw.watch = NULL;
	assert_string_equal(journal, "close nft\nclose tc\n");
	assert_int_equal(event_base_get_num_events(base, EVENT_BASE_COUNT_ADDED), 0);
	nft_watch_close(NULL);
	assert_string_equal(journal, "close nft\nclose tc\n");
	assert_no_leak("opened and closed", assert_int_equal(open_again(), 0));
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
	    cmocka_unit_test_setup_teardown(test_both_sockets_wake_us, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_other_messages, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_each_name_of_ours, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_filters_known_by_their_own, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_names_that_are_free_again, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_opening, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_closing, setup, teardown),
	};

	event_set_mem_functions(loop_malloc, loop_realloc, free);

	return cmocka_run_group_tests(tests, NULL, NULL);
}
