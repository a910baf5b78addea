/* The probe of what really passes, on a real link and a real filter: what is shown of it here is FreeBSD's
 * half, which every system has. In a network of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/firewall/probe.h"

static bool own_network;

static void run(const char *command)
{
	if (system(command) != 0)
		fail_msg("%s", command);
}

static int isolate(void **state)
{
	(void)state;
	own_network = geteuid() == 0 && unshare(CLONE_NEWNET) == 0;
	return 0;
}

/* As the gate does it: in a child, for it takes our rights. */
static int probe(const char *name)
{
	struct situation s = {.link_count = 1};
	const char *link = "";
	int status;
	pid_t pid;

	snprintf(s.links[0], sizeof s.links[0], "%s", name);
	pid = fork();
	if (pid == 0) {
		enum probed probed = probe_as_nobody(&s, &link);

		_exit(probed == PROBED_OUT && strcmp(link, name) != 0 ? 99 : (int)probed);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void it_tells_what_the_filter_does(void **state)
{
	(void)state;
	if (!own_network)
		skip();
	run("ip link add p0 type veth peer name p1");
	assert_int_equal(probe("p0"), PROBED_NOTHING); /* down */
	assert_int_equal(probe("none"), PROBED_NOTHING);
	run("ip link set p1 up && ip link set p0 up");
	run("ip address add 192.168.50.2/24 dev p0");
	assert_int_equal(probe("p0"), PROBED_OUT); /* no filter, and no route to that address */
	run("nft 'table inet t { chain o { type filter hook output priority 0; meta skuid 0 accept; "
	    "reject with icmpx admin-prohibited; }; }'");
	assert_int_equal(probe("p0"), PROBED_REFUSED);
	run("nft 'flush chain inet t o; add rule inet t o meta skuid != 0 accept; add rule inet t o reject'");
	assert_int_equal(probe("p0"), PROBED_OUT); /* it asks as nobody, not as root */
	run("ip address add 2001:db8:50::2/64 dev p0 nodad");
	run("nft 'flush chain inet t o; add rule inet t o meta nfproto ipv4 reject'");
	assert_int_equal(probe("p0"), PROBED_OUT); /* IPv6 alone is open */
	run("nft 'add rule inet t o reject'");
	assert_int_equal(probe("p0"), PROBED_REFUSED);
	run("ip link set p0 down");
	assert_int_equal(probe("p0"), PROBED_NOTHING);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(it_tells_what_the_filter_does)};

	return cmocka_run_group_tests(tests, isolate, NULL);
}
