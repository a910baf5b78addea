/* A conversation by netlink, with the kernel that is there: reading only. */
#include "os/netlink_linux.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static struct netlink *n;
static _Alignas(8) char room[512];

static int setup(void **state)
{
	(void)state;
	n = netlink_open(NETLINK_ROUTE, 0, 0);
	return n == NULL ? -1 : 0;
}

static int teardown(void **state)
{
	(void)state;
	netlink_close(n);
	return 0;
}

static void count(const struct nlmsghdr *message, void *argument)
{
	unsigned *links = argument;

	if (message->nlmsg_type == RTM_NEWLINK)
		++*links;
}

static struct nlmsghdr *question(uint16_t flags, const char *name)
{
	struct nlmsghdr *m = mnl_nlmsg_put_header(room);

	m->nlmsg_type = RTM_GETLINK;
	m->nlmsg_flags = NLM_F_REQUEST | flags;
	mnl_nlmsg_put_extra_header(m, sizeof(struct ifinfomsg));
	if (name != NULL)
		mnl_attr_put_strz(m, IFLA_IFNAME, name);
	return m;
}

static void test_questions_are_answered(void **state)
{
	unsigned links = 0;

	(void)state;
	assert_int_equal(netlink_ask(n, question(0, "lo"), count, &links), 0);
	assert_int_equal(links, 1);
	assert_int_equal(netlink_ask(n, question(NLM_F_DUMP, NULL), count, &links), 0);
	assert_true(links >= 2);
	assert_int_equal(netlink_hear(n, count, &links), 0); /* nothing is left over */
}

static void test_errors_are_told(void **state)
{
	unsigned links = 0;

	(void)state;
	assert_int_equal(netlink_ask(n, question(0, "no_such_link"), count, &links), -ENODEV);
	assert_int_equal(netlink_ask(n, question(0, "lo"), NULL, NULL), 0); /* and the next is answered */
	assert_int_equal(links, 0);
}

/* What an earlier question was too impatient for does not answer the next. */
static void test_stale_answers_are_passed_over(void **state)
{
	struct nlmsghdr *m = question(NLM_F_ACK, "no_such_link");
	unsigned links = 0;

	(void)state;
	m->nlmsg_seq = netlink_number(n);
	assert_int_equal(netlink_send(n, m, m->nlmsg_len), 0);
	assert_int_equal(netlink_ask(n, question(0, "lo"), count, &links), 0);
	assert_int_equal(links, 1);
}

static void test_a_taken_address_is_not_insisted_on(void **state)
{
	struct netlink *first = netlink_open(NETLINK_ROUTE, 1234567, 0);
	struct netlink *second = netlink_open(NETLINK_ROUTE, 1234567, 0);

	(void)state;
	assert_non_null(first);
	assert_non_null(second);
	assert_int_equal(netlink_address(first), 1234567);
	assert_int_not_equal(netlink_address(second), 1234567);
	netlink_close(first);
	netlink_close(second);
	netlink_close(NULL);
	assert_null(netlink_open(-1, 0, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_questions_are_answered, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_errors_are_told, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_stale_answers_are_passed_over, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_a_taken_address_is_not_insisted_on, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
