/* The gate while each thing that it relies on fails, in turn, once and for good: it is never open without a
 * proof, never called locked while it is open, and the policy comes first. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/wire_admin.h"
#include "between.h"
#include "gate/admin_socket.h"
#include "gate/channel.h"
#include "gate/gate.h"
#include "gate/verbs.h"
#include "journal.h"
#include "os/host/clock.h"
#include "os/host/off_marker.h"
#include "os/process/child.h"
#include "os/route/device.h"
#include "os/route/route.h"

/* The stand-ins that never fail have other names here; ours stand before them. */
#define firewall_assert calm_firewall_assert
#define firewall_pause calm_firewall_pause
#define firewall_forget_states calm_firewall_forget_states
#define firewall_remove calm_firewall_remove
#define firewall_watch calm_firewall_watch
#define bypass_find calm_bypass_find
#define netwatch_fill calm_netwatch_fill
#define netwatch_tunnel calm_netwatch_tunnel
#define netwatch_links_down calm_netwatch_links_down
#define device_make calm_device_make
#define device_set calm_device_set
#define device_delete calm_device_delete
#define device_delete_all calm_device_delete_all
#define route_assert calm_route_assert
#define route_remove calm_route_remove
#define route_prove calm_route_prove
#define child_holds_interface calm_child_holds_interface
#define child_became calm_child_became
#define spawn_openvpn calm_spawn_openvpn
#define off_marker_write calm_off_marker_write
#define off_marker_clear calm_off_marker_clear
#define dns_job_want calm_dns_job_want
/* Their other names are in no header. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmissing-prototypes"
#include "tests/fuzz/gate_stub.c" /* NOLINT(bugprone-suspicious-include) */
#pragma GCC diagnostic pop
#undef firewall_assert
#undef firewall_pause
#undef firewall_forget_states
#undef firewall_remove
#undef firewall_watch
#undef bypass_find
#undef netwatch_fill
#undef netwatch_tunnel
#undef netwatch_links_down
#undef device_make
#undef device_set
#undef device_delete
#undef device_delete_all
#undef route_assert
#undef route_remove
#undef route_prove
#undef child_holds_interface
#undef child_became
#undef spawn_openvpn
#undef off_marker_write
#undef off_marker_clear
#undef dns_job_want

enum { PAUSED = 100, REMOVED };

static struct gate gate;
static int peer;
static struct sockaddr_un admin_at;
static socklen_t admin_length;

static unsigned calls, fail_at; /* 0: none */
static bool for_good;           /* what failed once fails from then on */
static char failing[32];        /* its name */
static int kernel;              /* what the firewall was told last, and took */
static bool routed;             /* into the tunnel */
static unsigned index_told = 7; /* of the tunnel's device */
static pid_t child;             /* an openvpn of flesh and blood; 0: none */
static firewall_foreign_cb *foreign;

static bool fails(const char *name, const char *detail)
{
	bool now = ++calls == fail_at || (for_good && strcmp(failing, name) == 0);

	if (now)
		snprintf(failing, sizeof failing, "%s", name);
	snprintf(journal + strlen(journal), JOURNAL - strlen(journal), "%s%s%s ", name,
		 detail[0] != '\0' ? ":" : "", detail);
	return now;
}

#define FAILS(detail) (fails(__func__, detail) && (err_set(e, "made to fail"), true))

int firewall_assert(struct firewall *fw, const struct situation *s, struct err *e)
{
	static const char *const words[] = {
	    [POLICY_LOCKED] = "locked", [POLICY_DIALLING] = "dialling", [POLICY_OPEN] = "open"};

	if (FAILS(words[s->state]))
		return -1;
	if (s->state == POLICY_OPEN)
		assert_true(s->tunnel.index == index_told && routed && s->endpoint.port == 1194);
	kernel = (int)s->state;
	return calm_firewall_assert(fw, s, e);
}

int firewall_pause(struct firewall *fw, uint32_t seconds, struct err *e)
{
	(void)fw;
	assert_true(seconds > 0);
	if (FAILS(""))
		return -1;
	kernel = PAUSED;
	return 0;
}

int firewall_forget_states(struct firewall *fw, struct err *e)
{
	(void)fw;
	return FAILS("") ? -1 : 0;
}

int firewall_remove(struct firewall *fw, struct err *e)
{
	(void)fw;
	if (FAILS(""))
		return -1;
	kernel = REMOVED;
	return 0;
}

int firewall_watch(struct firewall *fw, struct event_base *base, firewall_foreign_cb *cb, void *argument,
		   struct err *e)
{
	(void)fw, (void)base, (void)argument, (void)e;
	foreign = cb;
	return 0;
}

int bypass_find(struct err *e)
{
	return FAILS("") ? -1 : 0;
}

int netwatch_fill(struct situation *s, const char *tunnel, struct err *e)
{
	(void)s, (void)tunnel;
	return FAILS("") ? -1 : 0;
}

int netwatch_tunnel(const char *name, const struct net_address *address4, const struct net_address *address6,
		    unsigned *index, struct err *e)
{
	(void)name, (void)address4, (void)address6;
	if (FAILS(""))
		return -1;
	*index = index_told;
	return 0;
}

int netwatch_links_down(struct err *e)
{
	return FAILS("") ? -1 : 0;
}

int device_make(const char *name, uint32_t uid, uint32_t gid, struct err *e)
{
	(void)name, (void)uid, (void)gid;
	return FAILS("") ? -1 : 0;
}

int device_set(const struct wire_tunnel *tunnel, struct err *e)
{
	return FAILS("") ? -1 : calm_device_set(tunnel, e);
}

int device_delete(const char *name, struct err *e)
{
	(void)name;
	return FAILS("") ? -1 : 0;
}

int device_delete_all(struct err *e)
{
	return FAILS("") ? -1 : 0;
}

int route_assert(const struct route_desired *desired, struct err *e)
{
	struct err none;

	e = e == NULL ? &none : e;
	if (FAILS(desired->tunnel != NULL ? "tunnel" : "nowhere"))
		return -1;
	routed = desired->tunnel != NULL;
	return 0;
}

int route_prove(const struct route_desired *desired, struct err *e)
{
	return FAILS(desired->tunnel != NULL ? "tunnel" : "nowhere") ? -1 : 0;
}

int route_remove(struct err *e)
{
	return FAILS("") ? -1 : 0;
}

bool child_holds_interface(pid_t pid, const char *name)
{
	(void)pid, (void)name;
	return !fails(__func__, "");
}

bool child_became(pid_t pid, uint32_t uid)
{
	(void)pid, (void)uid;
	return !fails(__func__, "");
}

pid_t spawn_openvpn(struct gate *it, const struct net_endpoint *endpoint, int *output, struct err *e)
{
	pid_t pid;

	if (FAILS(""))
		return -1;
	pid = calm_spawn_openvpn(it, endpoint, output, e);
	return child != 0 ? child : pid;
}

int off_marker_write(bool persist, struct err *e)
{
	return FAILS("") ? -1 : calm_off_marker_write(persist, e);
}

int off_marker_clear(struct err *e)
{
	return FAILS("") ? -1 : calm_off_marker_clear(e);
}

void dns_job_want(struct dns_job *job, bool set)
{
	(void)job;
	(void)fails("dns", set ? "set" : "unset");
}

/* --- the gate, as its driver and root see it -------------------------------------- */

static void heal(void)
{
	calls = fail_at = 0;
	for_good = false;
	failing[0] = journal[0] = '\0';
}

static void open_admin_socket(void)
{
	struct err e = {""};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	memset(&admin_at, 0, sizeof admin_at);
	admin_at.sun_family = AF_UNIX;
	assert_int_equal(bind(fd, (struct sockaddr *)&admin_at, sizeof(sa_family_t)), 0);
	admin_length = sizeof admin_at;
	assert_int_equal(getsockname(fd, (struct sockaddr *)&admin_at, &admin_length), 0);
	assert_int_equal(listen(fd, 16), 0);
	gate.admin_fd = fd;
	assert_int_equal(admin_socket_open(&gate, &e), 0);
}

static int setup(void **state)
{
	struct err e = {""};

	(void)state;
	heal();
	child = 0;
	index_told = 7;
	stub_gate(&gate, &peer);
	assert_int_equal(gate_watch(&gate, &e), 0);
	open_admin_socket();
	heal();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	heal();
	event_free(gate.admin_event);
	close(gate.admin_fd);
	stub_end(&gate, peer);
	return 0;
}

static void pump(void)
{
	for (int i = 0; i < 6; i++)
		event_base_loop(gate.base, EVLOOP_NONBLOCK);
}

/* What must hold whatever has failed. */
static void check(void)
{
	stub_check(&gate);
	switch (gate_shown(&gate)) {
	case GATE_LOCKED:
		assert_int_equal(kernel, POLICY_LOCKED);
		break;
	case GATE_DIALLING:
		assert_int_equal(kernel, POLICY_DIALLING);
		assert_true(gate.attempt.pid != 0);
		break;
	case GATE_OPEN:
		assert_int_equal(kernel, POLICY_OPEN);
		assert_true(gate.attempt.pid != 0);
		break;
	case GATE_PAUSED:
		assert_int_equal(kernel, PAUSED);
		break;
	case GATE_OFF:
		assert_int_equal(kernel, REMOVED);
		break;
	case GATE_UNPROTECTED:
		assert_true(strstr(journal, "firewall_assert:locked") != NULL);
		break;
	}
}

/* The driver asks; the last note but the news of the gate. */
static uint32_t ask(uint32_t verb)
{
	struct wire_request request = {.version = WIRE_VERSION, .verb = verb};
	struct wire_note_message message;
	uint32_t last = 0;

	if (verb == VERB_DIAL)
		net_endpoint_parse("192.0.2.1:1194/udp", &request.endpoint);
	memcpy(request.tunnel.name, "tun0", 5);
	net_address_parse("10.8.0.2", &request.tunnel.address4);
	request.tunnel.length4 = 24;
	request.tunnel.mtu = 1500;
	while (recv(peer, &message, sizeof message, MSG_DONTWAIT) > 0)
		continue;
	assert_int_equal(send(peer, &request, sizeof request, 0), sizeof request);
	verbs_read_cb(gate.driver.channel, EV_READ, &gate);
	while (recv(peer, &message, sizeof message, MSG_DONTWAIT) == (ssize_t)sizeof message)
		if (message.note != NOTE_GATE)
			last = message.note;
	check();
	return last;
}

static int connect_admin_socket(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	assert_int_equal(connect(fd, (struct sockaddr *)&admin_at, admin_length), 0);
	return fd;
}

/* Root asks. */
static struct wire_admin_answer root(uint32_t verb, uint32_t seconds)
{
	struct wire_admin_request request = {.version = WIRE_VERSION, .verb = verb, .seconds = seconds};
	struct wire_admin_answer answer = {.version = 0};
	int fd = connect_admin_socket();
	char more;

	assert_int_equal(write(fd, &request, sizeof request), sizeof request);
	pump();
	assert_int_equal(recv(fd, &answer, sizeof answer, MSG_DONTWAIT), sizeof answer);
	assert_int_equal(recv(fd, &more, 1, MSG_DONTWAIT), 0); /* one answer, and closed */
	assert_int_equal(answer.version, WIRE_VERSION);
	assert_int_equal(answer.gate, gate_shown(&gate));
	assert_true(!answer.refused || answer.text[0] != '\0');
	close(fd);
	check();
	return answer;
}

static void dials(void)
{
	assert_int_equal(ask(VERB_DIAL), NOTE_DIALLING);
	assert_int_equal(gate_shown(&gate), GATE_DIALLING);
}

static void opens(void)
{
	dials();
	ask(VERB_ADDRESS);
	assert_int_equal(ask(VERB_OPEN), NOTE_OPEN);
	assert_int_equal(gate_shown(&gate), GATE_OPEN);
}

static void ends(void)
{
	attempt_reaped(&gate, 0);
	check();
}

/* --- the policy first --------------------------------------------------------------- */

static void test_the_order(void **state)
{
	(void)state;
	dials();
	assert_true(is_before("bypass_find", "firewall_assert:dialling"));
	assert_true(is_before("firewall_assert:dialling", "device_make"));
	assert_true(is_before("device_make", "spawn_openvpn"));
	heal();
	ask(VERB_ADDRESS); /* row 2 before the address is set */
	assert_true(is_before("firewall_assert:dialling", "device_set"));
	heal();
	ask(VERB_OPEN);
	assert_true(is_before("child_became", "firewall_assert:open"));
	assert_true(is_before("child_holds_interface", "firewall_assert:open"));
	assert_true(is_before("netwatch_tunnel", "firewall_assert:open"));
	assert_true(is_before("route_assert:tunnel", "firewall_assert:open"));
	assert_true(is_before("firewall_assert:open", "dns:set"));
	heal();
	ends();
	assert_int_equal(strncmp(journal, "firewall_assert:locked", 22), 0);
	assert_true(is_before("firewall_assert:locked", "route_assert:nowhere"));
	assert_true(is_before("route_assert:nowhere", "device_delete"));
	assert_non_null(strstr(journal, "dns:unset"));
	heal();
	root(ADMIN_OFF, 0);
	assert_true(is_before("off_marker_write", "firewall_remove"));
	assert_true(is_before("firewall_remove", "route_remove"));
	heal();
	root(ADMIN_UP, 0);
	assert_true(is_before("off_marker_clear", "firewall_assert:locked"));
	heal();
	root(ADMIN_PAUSE, 60);
	assert_true(is_before("firewall_pause", "route_remove"));
	heal();
	root(ADMIN_RESUME, 0);
	assert_true(is_before("firewall_assert:locked", "firewall_forget_states"));
}

/* --- each in turn, once and for good -------------------------------------------------- */

static void whole_run(void)
{
	ask(VERB_DIAL);
	ask(VERB_ADDRESS);
	ask(VERB_OPEN);
	gate_links_changed(&gate);
	check();
	proof_look(&gate, "");
	check();
	foreign("somebody else changed our rules", &gate);
	check();
	if (gate.attempt.pid != 0)
		ends();
	root(ADMIN_PAUSE, 60);
	root(ADMIN_RESUME, 0);
	root(ADMIN_OFF, 0);
	root(ADMIN_UP, 0);
}

static void test_each_failure_in_turn(void **state)
{
	unsigned all;

	whole_run();
	all = calls;
	assert_true(all > 40);
	for (unsigned i = 1; i <= 2 * all; i++) {
		teardown(state);
		setup(state);
		fail_at = (i + 1) / 2;
		for_good = i % 2 == 0;
		whole_run();
	}
}

/* It opens only if each proof is there. */
static void test_no_proof_no_opening(void **state)
{
	static const char *const proofs[] = {"child_became", "child_holds_interface", "netwatch_tunnel",
					     "route_assert", "route_prove",           "firewall_assert"};

	for (size_t i = 0; i < sizeof proofs / sizeof proofs[0]; i++) {
		dials();
		ask(VERB_ADDRESS);
		heal();
		for_good = true;
		snprintf(failing, sizeof failing, "%s", proofs[i]);
		assert_int_equal(ask(VERB_OPEN), NOTE_REFUSED);
		assert_true(gate_shown(&gate) != GATE_OPEN);
		assert_null(strstr(journal, "dns:set"));
		teardown(state);
		setup(state);
	}
}

static void test_what_was_proven_is_proven_anew(void **state)
{
	(void)state;
	opens();
	proof_look(&gate, "");
	assert_int_equal(gate_shown(&gate), GATE_OPEN);
	index_told = 8; /* another device of that name */
	proof_look(&gate, "");
	check();
	assert_int_equal(gate_shown(&gate), GATE_LOCKED);
}

static void test_a_lock_that_fails(void **state)
{
	(void)state;
	opens();
	heal();
	for_good = true;
	snprintf(failing, sizeof failing, "firewall_assert");
	gate_links_changed(&gate);
	assert_int_equal(gate_shown(&gate), GATE_UNPROTECTED);
	assert_true(gate.attempt.why[0] != 0); /* no openvpn without a lock */
	assert_non_null(strstr(journal, "route_assert:nowhere"));
	assert_int_equal(ask(VERB_DIAL), NOTE_REFUSED);
	ends();
	assert_int_equal(gate_shown(&gate), GATE_UNPROTECTED);
	assert_true(root(ADMIN_PAUSE, 60).refused);
	heal();
	/* It is tried again, soon. */
	for (int64_t until = clock_steady_ms() + 1000; gate_shown(&gate) != GATE_LOCKED;) {
		assert_true(clock_steady_ms() < until);
		event_base_loop(gate.base, EVLOOP_ONCE);
	}
	check();
	dials();
}

static void test_links_down_after_two_failures(void **state)
{
	(void)state;
	gate.config.links_down = true;
	for_good = true;
	snprintf(failing, sizeof failing, "firewall_assert");
	gate_links_changed(&gate);
	assert_int_equal(gate_shown(&gate), GATE_UNPROTECTED);
	assert_null(strstr(journal, "netwatch_links_down"));
	gate_links_changed(&gate);
	assert_non_null(strstr(journal, "netwatch_links_down"));
}

/* --- what somebody else does -------------------------------------------------------------- */

static void test_foreign_changes(void **state)
{
	(void)state;
	opens();
	heal();
	foreign("somebody else changed our rules", &gate);
	assert_int_equal(gate_shown(&gate), GATE_OPEN);
	assert_int_equal(strncmp(journal, "firewall_assert:open", 20), 0);
	assert_non_null(strstr(gate.reason, "restored and verified"));
	ends();
	root(ADMIN_PAUSE, 60);
	heal();
	foreign("somebody else changed our rules", &gate);
	check();
	assert_int_equal(gate_shown(&gate), GATE_LOCKED);
	assert_non_null(strstr(journal, "firewall_forget_states"));
}

static void test_routes_are_put_back(void **state)
{
	(void)state;
	opens();
	heal();
	proof_look(&gate, "");
	assert_null(strstr(journal, "device_set")); /* it is as it was */
	fail_at = calls + 2;                        /* that of the routes, behind that of the device */
	proof_look(&gate, "");
	assert_int_equal(gate_shown(&gate), GATE_OPEN);
	assert_true(is_before("device_set", "route_assert:tunnel"));
	for_good = true;
	snprintf(failing, sizeof failing, "route_prove");
	proof_look(&gate, "");
	check();
	assert_int_equal(gate_shown(&gate), GATE_LOCKED);
}

/* --- root's words ------------------------------------------------------------------------ */

static void test_what_root_may_not_ask(void **state)
{
	(void)state;
	assert_true(root(ADMIN_PAUSE, 0).refused);
	assert_true(root(ADMIN_PAUSE, 31 * 86400 + 1).refused);
	assert_true(root(ADMIN_RESUME, 0).refused);
	assert_true(root(99, 0).refused);
	assert_int_equal(gate_shown(&gate), GATE_LOCKED);
	root(ADMIN_OFF, 0);
	assert_int_equal(gate_shown(&gate), GATE_OFF);
	assert_true(root(ADMIN_PAUSE, 60).refused);
	assert_true(root(ADMIN_RECONNECT, 0).refused);
	assert_int_equal(gate_shown(&gate), GATE_OFF);
	assert_false(root(ADMIN_UP, 0).refused);
	assert_int_equal(gate_shown(&gate), GATE_LOCKED);
	assert_false(root(ADMIN_DOWN, 0).refused);
	assert_true(root(ADMIN_RECONNECT, 0).refused);
	assert_int_equal(ask(VERB_DIAL), NOTE_REFUSED);
	assert_false(root(ADMIN_UP, 0).refused);
	dials();
}

static void test_a_wait_for_openvpns_end(void **state)
{
	(void)state;
	opens();
	assert_false(root(ADMIN_PAUSE, 60).refused);
	assert_int_equal(gate_shown(&gate), GATE_DIALLING); /* the tunnel is shut first */
	ends();
	assert_int_equal(gate_shown(&gate), GATE_PAUSED);
	assert_false(root(ADMIN_RESUME, 0).refused);
	opens();
	assert_false(root(ADMIN_OFF, 0).refused);
	assert_int_equal(gate_shown(&gate), GATE_DIALLING);
	ends();
	assert_int_equal(gate_shown(&gate), GATE_OFF);
	root(ADMIN_UP, 0);
	opens();
	root(ADMIN_PAUSE, 60);
	root(ADMIN_DOWN, 0); /* the last word counts */
	ends();
	assert_int_equal(gate_shown(&gate), GATE_LOCKED);
}

static void test_a_pause_ends_in_time(void **state)
{
	int64_t begun = clock_steady_ms();

	(void)state;
	assert_false(root(ADMIN_PAUSE, 1).refused);
	assert_int_equal(gate_shown(&gate), GATE_PAUSED);
	while (gate_shown(&gate) == GATE_PAUSED && clock_steady_ms() < begun + 5000)
		event_base_loop(gate.base, EVLOOP_ONCE);
	check();
	assert_int_equal(gate_shown(&gate), GATE_LOCKED);
	assert_between(clock_steady_ms() - begun, 950, 1900);
}

/* "the hole stays until openvpn is reaped, 1.5 s at most" */
static void test_an_openvpn_that_does_not_leave(void **state)
{
	int64_t begun;

	(void)state;
	child = fork();
	if (child == 0) {
		signal(SIGTERM, SIG_IGN);
		for (;;)
			pause();
	}
	opens();
	begun = clock_steady_ms();
	ask(VERB_LEAVE);
	assert_int_equal(gate_shown(&gate), GATE_DIALLING);
	while (gate_shown(&gate) == GATE_DIALLING && clock_steady_ms() < begun + 5000)
		event_base_loop(gate.base, EVLOOP_ONCE);
	assert_between(clock_steady_ms() - begun, 1450, 2900);
	check();
	assert_int_equal(gate_shown(&gate), GATE_LOCKED);
	assert_int_equal(waitpid(child, NULL, 0), child); /* killed, or this never ends */
	ends();
}

static void test_who_says_nothing_at_the_admin_socket(void **state)
{
	int64_t begun = clock_steady_ms();
	int fd = connect_admin_socket(), others[8];
	char byte;

	(void)state;
	assert_int_equal(write(fd, "x", 1), 1);
	pump();
	for (size_t i = 0; i < 8; i++) {
		others[i] = connect_admin_socket();
		pump();
		assert_int_equal(recv(others[i], &byte, 1, MSG_DONTWAIT), i < 7 ? -1 : 0); /* eight at most */
	}
	while (recv(fd, &byte, 1, MSG_DONTWAIT) == -1 && clock_steady_ms() < begun + 5000)
		event_base_loop(gate.base, EVLOOP_ONCE);
	assert_between(clock_steady_ms() - begun, 1900, 3900);
	close(fd);
	for (size_t i = 0; i < 8; i++)
		close(others[i]);
	/* All that did not speak have gone, before the next test. */
	while (clock_steady_ms() < begun + 5000 && event_base_loop(gate.base, EVLOOP_NONBLOCK) == 0) {
		struct wire_admin_request request = {.version = WIRE_VERSION, .verb = ADMIN_UP};
		struct wire_admin_answer answer;
		bool taken;

		fd = connect_admin_socket();
		assert_int_equal(write(fd, &request, sizeof request), sizeof request);
		pump();
		taken = recv(fd, &answer, sizeof answer, MSG_DONTWAIT) == (ssize_t)sizeof answer;
		close(fd);
		if (taken)
			break;
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_the_order),
	    TEST(test_each_failure_in_turn),
	    TEST(test_no_proof_no_opening),
	    TEST(test_what_was_proven_is_proven_anew),
	    TEST(test_a_lock_that_fails),
	    TEST(test_links_down_after_two_failures),
	    TEST(test_foreign_changes),
	    TEST(test_routes_are_put_back),
	    TEST(test_what_root_may_not_ask),
	    TEST(test_a_wait_for_openvpns_end),
	    TEST(test_a_pause_ends_in_time),
	    TEST(test_an_openvpn_that_does_not_leave),
	    TEST(test_who_says_nothing_at_the_admin_socket),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
