/* The probe, call by call: what is sent and by whose rights, and what each answer of the kernel's says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <grp.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "journal.h"
#include "os/firewall/probe.h"
#include "os/process/descriptor.h"

enum { DESCRIPTOR = 900 };

/* errno of each: of sending to the groups; -1 of the host: there is no such way. */
static int group, group6, host;
static int options, option_fails, rights, right_fails; /* the how manieth; 0: none */
static bool no_socket;

unsigned if_nametoindex(const char *name)
{
	return name[0] == 'e' ? 7 : 0;
}

int descriptor_socket(int domain, int type, bool nonblocking)
{
	assert_int_equal(type, SOCK_DGRAM);
	assert_true(nonblocking);
	say("socket %d", domain == AF_INET6 ? 6 : 4);
	errno = EMFILE;
	return no_socket ? -1 : DESCRIPTOR + (domain == AF_INET6);
}

int setsockopt(int fd, int level, int name, const void *value, socklen_t size)
{
	bool is6 = fd == DESCRIPTOR + 1;
	int is = 0;

	assert_int_equal(level, is6 ? IPPROTO_IPV6 : IPPROTO_IP);
	if (!is6 && name == IP_MULTICAST_IF) {
		assert_int_equal(size, sizeof(struct ip_mreqn));
		is = ((const struct ip_mreqn *)value)->imr_ifindex;
	} else {
		memcpy(&is, value, size);
	}
	say("option %d %d", name, is);
	errno = EPERM;
	return ++options == option_fails ? -1 : 0;
}

ssize_t sendto(int fd, const void *bytes, size_t size, int flags, const struct sockaddr *to, socklen_t length)
{
	const struct sockaddr_in *v4 = (const void *)to;
	const struct sockaddr_in6 *v6 = (const void *)to;
	bool is6 = fd == DESCRIPTOR + 1;
	char text[INET6_ADDRSTRLEN];

	(void)bytes;
	assert_int_equal(length, is6 ? sizeof *v6 : sizeof *v4);
	assert_int_equal(to->sa_family, is6 ? AF_INET6 : AF_INET);
	assert_int_equal(size, 0);
	assert_int_equal(flags, 0);
	assert_int_equal(ntohs(is6 ? v6->sin6_port : v4->sin_port), 9);
	say("send %s",
	    inet_ntop(to->sa_family, is6 ? (const void *)&v6->sin6_addr : (const void *)&v4->sin_addr, text,
		      sizeof text));
	errno = is6 ? group6 : group;
	return errno == 0 ? 0 : -1;
}

int close(int fd)
{
	assert_true(fd == DESCRIPTOR || fd == DESCRIPTOR + 1);
	say("close");
	errno = EIO;
	return 0;
}

int probe_bound(const char *link)
{
	say("host %s", link);
	return host;
}

static int become(const char *what, long number)
{
	say("%s %ld", what, number);
	return ++rights == right_fails ? -1 : 0;
}

int setgroups(size_t count, const gid_t *groups)
{
	(void)groups;
	return become("groups", (long)count);
}

int setgid(gid_t gid)
{
	return become("gid", (long)gid);
}

int setuid(uid_t uid)
{
	return become("uid", (long)uid);
}

static int begin(void **state)
{
	(void)state;
	group = group6 = EACCES;
	host = -1;
	options = option_fails = rights = right_fails = 0;
	no_socket = false;
	journal[0] = '\0';
	return 0;
}

#define SENT4 "socket 4\noption 32 7\noption 33 1\noption 34 0\nsend 233.252.0.1\nclose\n"
#define SENT6 "socket 6\noption 17 7\noption 18 1\noption 19 0\nsend ff0e::db8:0:1\nclose\n"

/* One hop, no copy for this machine, nothing in it; by IPv6 only if by IPv4 it did not get out. */
static void test_what_is_sent(void **state)
{
	(void)state;
	assert_int_equal(probe_link("en0"), PROBED_REFUSED);
	assert_string_equal(journal, SENT4 "host en0\n" SENT6);
	begin(NULL);
	group = 0;
	assert_int_equal(probe_link("en0"), PROBED_OUT);
	assert_string_equal(journal, SENT4 "host en0\n");
	begin(NULL);
	assert_int_equal(probe_link("none"), PROBED_NOTHING); /* there is no such link */
	assert_string_equal(journal, "host none\n");
	begin(NULL);
	no_socket = true;
	assert_int_equal(probe_link("en0"), PROBED_NOTHING);
	assert_string_equal(journal, "socket 4\nhost en0\nsocket 6\n");
}

static void test_what_it_says(void **state)
{
	static const int nothing[] = {ENETDOWN, EADDRNOTAVAIL, ENXIO,     ENODEV,
				      EINVAL,   ENETUNREACH,   EHOSTDOWN, ENOBUFS};

	(void)state;
	for (size_t i = 0; i < sizeof nothing / sizeof nothing[0]; i++) {
		begin(NULL);
		group = nothing[i];
		assert_int_equal(probe_link("en0"), PROBED_NOTHING);
		host = nothing[i];
		assert_int_equal(probe_link("en0"), PROBED_NOTHING);
		host = EPERM;
		assert_int_equal(probe_link("en0"), PROBED_REFUSED);
		host = 0;
		assert_int_equal(probe_link("en0"), PROBED_OUT);
		host = -1;
		group6 = 0;
		assert_int_equal(probe_link("en0"), PROBED_OUT);
		group = EPERM;
		assert_int_equal(probe_link("en0"), PROBED_OUT);
		group6 = nothing[i];
		assert_int_equal(probe_link("en0"), PROBED_REFUSED);
	}
}

/* A socket that can't be made as it must be says nothing, and sends nothing. */
static void test_options(void **state)
{
	(void)state;
	for (int fails = 1; fails <= 6; fails++) {
		begin(NULL);
		option_fails = fails;
		group6 = 0;
		assert_int_equal(probe_link("en0"), fails <= 3 ? PROBED_OUT : PROBED_REFUSED);
		assert_int_equal(strstr(journal, "send 233") == NULL, fails <= 3);
		assert_int_equal(strstr(journal, "send ff0e") == NULL, fails > 3);
		assert_non_null(strstr(strstr(journal, "close") + 1, "close"));
		option_fails = fails <= 3 ? fails : 0;
		options = 0;
		group6 = EPERM;
		assert_int_equal(probe_link("en0"), fails <= 3 ? PROBED_NOTHING : PROBED_REFUSED);
	}
}

static void test_as_nobody(void **state)
{
	struct situation s = {.links = {"none", "en0", "none"}, .link_count = 3};
	const char *link = "";

	(void)state;
	assert_int_equal(probe_as_nobody(&s, &link), PROBED_REFUSED);
	assert_string_equal(journal, "groups 0\ngid 65533\nuid 65533\nhost none\n" SENT4 "host en0\n" SENT6
				     "host none\n");
	begin(NULL);
	group = 0;
	assert_int_equal(probe_as_nobody(&s, &link), PROBED_OUT);
	assert_string_equal(link, "en0");
	s.link_count = 1;
	assert_int_equal(probe_as_nobody(&s, &link), PROBED_NOTHING);
	for (int fails = 1; fails <= 3; fails++) { /* root's datagrams say nothing */
		begin(NULL);
		group = 0;
		s.link_count = 3;
		right_fails = fails;
		assert_int_equal(probe_as_nobody(&s, &link), PROBED_NOTHING);
		assert_null(strstr(journal, "host"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(test_what_is_sent, begin),
	    cmocka_unit_test_setup(test_what_it_says, begin),
	    cmocka_unit_test_setup(test_options, begin),
	    cmocka_unit_test_setup(test_as_nobody, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
