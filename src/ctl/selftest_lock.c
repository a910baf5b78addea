/* selftest: tries what passes in each state, with empty datagrams to documentation addresses. */
#include "ctl/selftest.h"

#include <arpa/inet.h>
#include <grp.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/text.h"
#include "os/firewall/probe.h"
#include "os/host/clock.h"
#include "os/process/child.h"

enum {
	NOBODY = 65533, /* a number that no rule names */
	PAUSE_SECONDS = 2,
	PAUSE_PATIENCE_MS = 8000,
	LOOK_EVERY_MS = 100,
	DISCARD = 9
};

static const char documentation[] = "192.0.2.1:1194/udp"; /* RFC 5737 */

int selftest_identify(struct selftest *test, const char *group, struct err *e)
{
	struct identity *who = &test->situation.openvpn_group;
	const struct group *entry = getgrnam(group);
	uint64_t number = NOBODY - 1;

	test->situation.driver_user = (struct identity){.known = true, .number = NOBODY - 2};
	if (entry != NULL)
		number = entry->gr_gid;
	else if (text_number(group, 1, UINT32_MAX - 1, &number) == -1 && strcmp(group, "_openvpn") != 0)
		return err_set(e, "--openvpn-group %s does not exist; instead: a group's name or number",
			       group);
	*who = (struct identity){.known = true, .number = (uint32_t)number};
	return net_endpoint_parse(documentation, &test->situation.endpoint);
}

/* --- one datagram, as somebody */

struct attempt {
	const char
	    *link; /* NULL: to the endpoint, by the routes; else out of this link, whatever the routes are */
	uint16_t port;
	uint32_t gid;
};

static bool send_routed(uint16_t port)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	bool sent;

	if (fd == -1)
		return false;
	inet_pton(AF_INET, "192.0.2.1", &to.sin_addr);
	sent = sendto(fd, "", 0, 0, (const struct sockaddr *)&to, sizeof to) == 0;
	close(fd);
	return sent;
}

/* In a child: a process that has changed its group can't change it back. */
static bool gets_out(const struct attempt *attempt)
{
	gid_t gid = attempt->gid;
	int status = 0;
	pid_t pid = child_fork();

	if (pid == 0) {
		if (setgroups(1, &gid) == -1 || setgid(gid) == -1 || setuid(NOBODY) == -1)
			_exit(2);
		_exit(attempt->link != NULL ? probe_link(attempt->link) == PROBED_OUT
					    : send_routed(attempt->port));
	}
	return pid > 0 && child_reap(pid, &status) == 0 && WIFEXITED(status) && WEXITSTATUS(status) == 1;
}

static bool gets_out_of(const char *link)
{
	return gets_out(&(struct attempt){.link = link, .gid = NOBODY});
}

static bool gets_to_endpoint(uint32_t gid, uint16_t port)
{
	return gets_out(&(struct attempt){.port = port, .gid = gid});
}

static bool loopback_passes(void)
{
	struct sockaddr_in own = {.sin_family = AF_INET};
	struct pollfd ready = {.fd = socket(AF_INET, SOCK_DGRAM, 0), .events = POLLIN};
	socklen_t length = sizeof own;
	bool passes;

	own.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	passes = ready.fd != -1 && bind(ready.fd, (const struct sockaddr *)&own, sizeof own) == 0 &&
		 getsockname(ready.fd, (struct sockaddr *)&own, &length) == 0 &&
		 sendto(ready.fd, "x", 1, 0, (const struct sockaddr *)&own, sizeof own) == 1 &&
		 poll(&ready, 1, 1000) == 1;
	if (ready.fd != -1)
		close(ready.fd);
	return passes;
}

/* --- the steps */

static void find_open_links(struct selftest *test)
{
	const struct situation *s = &test->situation;

	for (size_t i = 0; i < s->link_count; i++) {
		test->open[i] = gets_out_of(s->links[i]);
		selftest_report(test, test->open[i] ? SELFTEST_PASS : SELFTEST_SKIP,
				"without the gate a datagram gets out of", s->links[i]);
	}
	test->route = gets_to_endpoint(NOBODY, DISCARD);
	if (!test->route)
		selftest_report(test, SELFTEST_SKIP, "the hole", "there is no route to a server's address");
}

static bool is_refused_everywhere(struct selftest *test, const char *state)
{
	const struct situation *s = &test->situation;
	char what[96];
	struct err e = {""};

	snprintf(what, sizeof what, "%s: nothing gets out of any link", state);
	for (size_t i = 0; i < s->link_count; i++) {
		if (test->open[i] && gets_out_of(s->links[i]))
			err_set(&e, "a datagram got out of %s", s->links[i]);
	}
	return selftest_judge(test, e.text[0] == '\0', what, &e);
}

static bool enter(struct selftest *test, enum policy_state state, const char *what)
{
	struct situation s = test->situation;
	int64_t begun = clock_steady_ms();
	struct err e = {""};
	char detail[64];

	s.state = state;
	if (state == POLICY_LOCKED)
		memset(&s.endpoint, 0, sizeof s.endpoint);
	if (!selftest_judge(test, firewall_assert(test->fw, &s, &e) == 0, what, &e))
		return false;
	snprintf(detail, sizeof detail, "%" PRId64 " ms", clock_steady_ms() - begun);
	selftest_report(test, SELFTEST_INFO, "that took", detail);
	return true;
}

static void try_hole(struct selftest *test)
{
	uint32_t group = test->situation.openvpn_group.number;
	uint16_t port = test->situation.endpoint.port;
	struct err e = {"it was rejected"}, leaked = {"it got out"};

	if (!enter(test, POLICY_DIALLING, "dialling is committed and read back"))
		return;
	is_refused_everywhere(test, "dialling");
	if (test->route) {
		selftest_judge(test, gets_to_endpoint(group, port),
			       "dialling: openvpn's group reaches the endpoint", &e);
		selftest_judge(test, !gets_to_endpoint(NOBODY, port), "dialling: no other group does",
			       &leaked);
		selftest_judge(test, !gets_to_endpoint(group, DISCARD), "dialling: no other port does",
			       &leaked);
	}
	if (!enter(test, POLICY_LOCKED, "locked again is committed and read back"))
		return;
	if (test->route)
		selftest_judge(test, !gets_to_endpoint(group, port), "locked again: the hole is shut",
			       &leaked);
}

static bool anything_gets_out(const struct selftest *test)
{
	for (size_t i = 0; i < test->situation.link_count; i++) {
		if (test->open[i] && gets_out_of(test->situation.links[i]))
			return true;
	}
	return false;
}

/* The pause must end by itself: this process does nothing for it. */
static void try_pause(struct selftest *test)
{
	struct err e = {""}, shut = {"nothing got out"}, open = {"it did not end"};
	int waited = 0;

	if (!selftest_judge(test, firewall_pause(test->fw, PAUSE_SECONDS, &e) == 0, "a pause of 2 s begins",
			    &e))
		return;
	selftest_judge(test, anything_gets_out(test), "paused: a datagram gets out", &shut);
	while (anything_gets_out(test) && waited < PAUSE_PATIENCE_MS) {
		poll(NULL, 0, LOOK_EVERY_MS);
		waited += LOOK_EVERY_MS;
	}
	selftest_judge(test, waited < PAUSE_PATIENCE_MS, "the pause ends by itself", &open);
	is_refused_everywhere(test, "after the pause");
}

static void count_blocked(struct selftest *test)
{
	struct err e = {"none was counted"};
	uint64_t packets = 0;

	selftest_judge(test, firewall_blocked(test->fw, &packets, &e) == 0 && packets > 0,
		       "what was stopped is counted", &e);
}

void selftest_lock(struct selftest *test)
{
	struct err e = {""}, shut = {"nothing gets out any more"};
	bool control;

	find_open_links(test);
	control = anything_gets_out(test);
	if (!control) {
		selftest_report(test, SELFTEST_FAIL, "the control",
				"nothing gets out even without the gate, so nothing can be tested; instead: "
				"connect a network");
		return;
	}
	if (enter(test, POLICY_LOCKED, "the lock is committed and read back")) {
		is_refused_everywhere(test, "locked");
		selftest_judge(test, loopback_passes(), "locked: loopback passes", &shut);
		try_hole(test);
		count_blocked(test);
		try_pause(test);
	}
	selftest_judge(test, firewall_remove(test->fw, &e) == 0, "the rules are removed", &e);
	selftest_judge(test, anything_gets_out(test), "without the gate a datagram gets out again", &shut);
}
