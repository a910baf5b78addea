/* A conversation by netlink, with the kernel that is there, reading only; and strangers who speak in between.
 */
#include "os/netwatch/linux/netlink.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "between.h"
#include "os/host/clock.h"

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
	assert_int_equal(netlink_request(n, question(0, "lo"), count, &links), 0);
	assert_int_equal(links, 1);
	assert_int_equal(netlink_request(n, question(NLM_F_DUMP, NULL), count, &links), 0);
	assert_true(links >= 2);
	assert_int_equal(netlink_receive(n, count, &links), 0); /* nothing is left over */
}

static void test_errors_are_told(void **state)
{
	unsigned links = 0;

	(void)state;
	assert_int_equal(netlink_request(n, question(0, "no_such_link"), count, &links), -ENODEV);
	assert_int_equal(netlink_request(n, question(0, "lo"), NULL, NULL), 0); /* and the next is answered */
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
	assert_int_equal(netlink_request(n, question(0, "lo"), count, &links), 0);
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

/* --- strangers --------------------------------------------------------------- */

static bool own_network; /* ours alone, and we may speak in it as if we were the kernel */

static int setup_network(void **state)
{
	own_network = own_network || (geteuid() == 0 && unshare(CLONE_NEWNET) == 0);
	return setup(state);
}

/* What a kernel would say of a link: "stranger0 is there". */
static struct nlmsghdr *faked_link(uint32_t number)
{
	struct nlmsghdr *m = question(0, "stranger0");

	((struct ifinfomsg *)mnl_nlmsg_get_payload(m))->ifi_index = 4711;
	m->nlmsg_type = RTM_NEWLINK;
	m->nlmsg_flags = 0;
	m->nlmsg_seq = number;
	return m;
}

/* 0, or the errno. */
static int say_to(int stranger, int protocol_address, unsigned groups, const struct nlmsghdr *m)
{
	struct sockaddr_nl to = {
	    .nl_family = AF_NETLINK, .nl_pid = (uint32_t)protocol_address, .nl_groups = groups};

	return sendto(stranger, m, m->nlmsg_len, 0, (const void *)&to, sizeof to) == -1 ? errno : 0;
}

/* In this family of sockets anybody may write to anybody: no right is needed for it. */
static void test_a_stranger_can_not_write_to_us(void **state)
{
	struct netlink *ours = netlink_open(NETLINK_USERSOCK, 0, 0);
	struct mnl_socket *trusting = mnl_socket_open(NETLINK_USERSOCK);
	int stranger = socket(AF_NETLINK, SOCK_RAW, NETLINK_USERSOCK);
	unsigned links = 0;
	char heard[512];

	(void)state;
	assert_non_null(ours);
	assert_int_equal(mnl_socket_bind(trusting, 0, MNL_SOCKET_AUTOPID), 0);
	/* The control: who does not mind who speaks hears it. */
	assert_int_equal(say_to(stranger, (int)mnl_socket_get_portid(trusting), 0, faked_link(1)), 0);
	assert_true(recv(mnl_socket_get_fd(trusting), heard, sizeof heard, MSG_DONTWAIT) > 0);
	assert_int_equal(say_to(stranger, (int)netlink_address(ours), 0, faked_link(1)), ECONNREFUSED);
	assert_int_equal(netlink_receive(ours, count, &links), 0);
	assert_int_equal(links, 0);
	close(stranger);
	mnl_socket_close(trusting);
	netlink_close(ours);
}

/* As openvpn could, with CAP_NET_ADMIN: an answer in the kernel's place, before the question. */
static void test_a_strangers_answer_is_none(void **state)
{
	int stranger = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
	unsigned links = 0;

	(void)state;
	if (!own_network)
		skip();
	assert_int_equal(say_to(stranger, (int)netlink_address(n), 0, faked_link(1)), ECONNREFUSED);
	assert_int_equal(netlink_request(n, question(0, "lo"), count, &links), 0);
	assert_int_equal(links, 1);
	close(stranger);
}

/* A group's members are not asked whom they are connected to. */
static void test_what_a_stranger_says_to_a_group_is_discarded(void **state)
{
	struct mnl_socket *trusting = mnl_socket_open(NETLINK_ROUTE);
	int stranger = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
	unsigned links = 0;
	char heard[512];

	(void)state;
	if (!own_network)
		skip();
	assert_int_equal(mnl_socket_bind(trusting, RTMGRP_LINK, MNL_SOCKET_AUTOPID), 0);
	assert_int_equal(netlink_join(n, RTNLGRP_LINK), 0);
	assert_int_equal(say_to(stranger, 0, RTMGRP_LINK, faked_link(0)), 0);
	assert_true(recv(mnl_socket_get_fd(trusting), heard, sizeof heard, MSG_DONTWAIT) > 0);
	assert_int_equal(netlink_receive(n, count, &links), 1); /* it was there, and nobody was told */
	assert_int_equal(links, 0);
	assert_int_equal(netlink_receive(n, count, &links), 0);
	assert_int_equal(say_to(stranger, 0, RTMGRP_LINK, faked_link(1)), 0);
	assert_int_equal(netlink_request(n, question(0, "lo"), count, &links), 0);
	assert_int_equal(links, 1);
	close(stranger);
	mnl_socket_close(trusting);
}

static void chatter(uint32_t number)
{
	int stranger = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;) {
		say_to(stranger, 0, RTMGRP_LINK, faked_link(number));
		poll(NULL, 0, 1);
	}
}

/* The kernel does not answer what is no request; strangers do, without end. */
static void test_strangers_do_not_make_a_question_longer(void **state)
{
	struct nlmsghdr *m;
	unsigned links = 0;
	int64_t begun, took;
	pid_t child;

	(void)state;
	if (!own_network)
		skip();
	assert_int_equal(netlink_join(n, RTNLGRP_LINK), 0);
	if ((child = fork()) == 0)
		chatter(1);
	alarm(20);
	begun = clock_steady_ms();
	m = question(NLM_F_DUMP, NULL);
	m->nlmsg_flags &= (uint16_t)~NLM_F_REQUEST;
	assert_int_equal(netlink_request(n, m, count, &links), -ETIMEDOUT);
	took = clock_steady_ms() - begun;
	alarm(0);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	assert_between(took, 1900, 3000);
	assert_int_equal(links, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_questions_are_answered, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_errors_are_told, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_stale_answers_are_passed_over, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_a_taken_address_is_not_insisted_on, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_a_stranger_can_not_write_to_us, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_a_strangers_answer_is_none, setup_network, teardown),
	    cmocka_unit_test_setup_teardown(test_what_a_stranger_says_to_a_group_is_discarded, setup_network,
					    teardown),
	    cmocka_unit_test_setup_teardown(test_strangers_do_not_make_a_question_longer, setup_network,
					    teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
