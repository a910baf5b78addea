/* Each verb of the driver: what is asked of whom before it is granted, in which order, whatever fails;
 * against tests/golden/verbs/. What is refused for its values is in test_gate_verbs.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/limit.h"
#include "gate/channel.h"
#include "gate/gate.h"
#include "gate/verbs.h"
#include "golden.h"
#include "log_journal.h"
#include "os/host/clock.h"
#include "os/process/child.h"
#include "os/route/device.h"
#include "tests/arch/gate_states.h"
#include "ways.h"

enum { OPENVPN = 4711 };

static struct gate gate;
static int peer;
static int64_t now;

/* --- what it asks others ---------------------------------------------------------------- */

int64_t clock_steady_ms(void)
{
	return now;
}

void fault_point(const char *moment)
{
	say("fault_point %s", moment);
}

int gate_dispatch(struct gate *it, enum gate_event event, const char *why, struct err *error)
{
	struct err none, *e = error != NULL ? error : &none;

	assert_ptr_equal(it, &gate);
	say("gate_dispatch %s: %s; index %u", gate_event_names[event], why, gate.situation.tunnel.index);
	return FAILS("gate_dispatch") ? -1 : 0;
}

int proof_dial(struct gate *it, struct err *e)
{
	assert_ptr_equal(it, &gate);
	say("proof_dial");
	return FAILS("proof_dial") ? -1 : 0;
}

int proof_open(struct gate *it, struct err *e)
{
	assert_ptr_equal(it, &gate);
	say("proof_open");
	return FAILS("proof_open") ? -1 : 0;
}

int gate_route(struct gate *it, bool open, struct err *e)
{
	assert_ptr_equal(it, &gate);
	say("gate_route %d", open);
	return FAILS("gate_route") ? -1 : 0;
}

int firewall_assert(struct firewall *fw, const struct situation *s, struct err *e)
{
	char four[NET_ADDRESS_TEXT], six[NET_ADDRESS_TEXT];

	assert_true(fw == gate.fw && s == &gate.situation);
	say("firewall_assert %s %s, networks %zu, index %u", net_address_text(&s->tunnel.address4, four),
	    net_address_text(&s->tunnel.address6, six), s->tunnel.network_count, gate.attempt.index);
	return FAILS("firewall_assert") ? -1 : 0;
}

int firewall_blocked(struct firewall *fw, uint64_t *packets, struct err *e)
{
	assert_true(fw == gate.fw && packets == &gate.blocked);
	say("firewall_blocked");
	return FAILS("firewall_blocked") ? -1 : 0;
}

bool child_holds_interface(pid_t pid, const char *name)
{
	say("child_holds_interface %d %s", (int)pid, name);
	return !fails("child_holds_interface");
}

bool child_became(pid_t pid, uint32_t uid)
{
	say("child_became %d %u", (int)pid, uid);
	return !fails("child_became");
}

int device_set(const struct wire_tunnel *tunnel, struct err *e)
{
	say("device_set %s", tunnel->name);
	return FAILS("device_set") ? -1 : 0;
}

int attempt_dial(struct gate *it, const struct net_endpoint *endpoint, struct err *e)
{
	char text[NET_ENDPOINT_TEXT];

	assert_ptr_equal(it, &gate);
	say("attempt_dial %s", net_endpoint_text(endpoint, text));
	return FAILS("attempt_dial") ? -1 : 0;
}

unsigned attempt_verify_tunnel(const struct gate *it, const struct wire_tunnel *tunnel, struct err *e)
{
	assert_ptr_equal(it, &gate);
	say("attempt_verify_tunnel %s", tunnel->name);
	return FAILS("attempt_verify_tunnel") ? 0 : 7;
}

void dns_job_want(struct dns_job *job, bool set)
{
	assert_ptr_equal(job, &gate.dns);
	say("dns_job_want %d", set);
}

void channel_notify(struct gate *it, enum wire_note note, const char *text)
{
	assert_ptr_equal(it, &gate);
	say("channel_notify %d %s", (int)note, text);
}

int asking_check(struct gate *it, struct err *e)
{
	assert_ptr_equal(it, &gate);
	say("names_check");
	return FAILS("names_check") ? -1 : 0;
}

void asking_begin(struct gate *it)
{
	assert_ptr_equal(it, &gate);
	say("names_begin");
}

void asking_proven(struct gate *it)
{
	assert_ptr_equal(it, &gate);
	say("names_proven");
}

void driver_restart(struct gate *it)
{
	assert_ptr_equal(it, &gate);
	say("driver_restart");
}

ssize_t recv(int fd, void *to, size_t size, int flags)
{
	assert_int_equal(flags, MSG_DONTWAIT);
	if (fails("recv-again") || fails("recv-interrupted") || fails("recv-broken")) {
		errno = is("!recv-again") ? EAGAIN : is("!recv-interrupted") ? EINTR : ECONNRESET;
		return -1;
	}
	return read(fd, to, size);
}

/* --- the driver ------------------------------------------------------------------------------ */

static int setup(void **state)
{
	int pair[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
	memset(&gate, 0, sizeof gate);
	journal[0] = failed[0] = '\0';
	so = "";
	now += 100000; /* each test has its allowance of refusals */
	peer = pair[0];
	gate.driver.channel = pair[1];
	strcpy(gate.config.interface, "tun7");
	strcpy(gate.reason, "as it is");
	gate.config.openvpn_user.number = 901;
	net_endpoint_parse("192.0.2.1:1194/udp", &gate.attempt.endpoint);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	close(gate.driver.channel);
	close(peer);
	return 0;
}

static struct wire_request request_of(uint32_t verb)
{
	struct wire_request request;

	memset(&request, 0, sizeof request);
	request.version = WIRE_VERSION;
	request.verb = verb;
	if (verb == VERB_DIAL)
		net_endpoint_parse("192.0.2.7:443/tcp", &request.endpoint);
	if (verb != VERB_ADDRESS && verb != VERB_OPEN)
		return request;
	strcpy(request.tunnel.name, "tun7");
	request.tunnel.mtu = 1500;
	if (!is("only-six")) {
		net_address_parse("10.8.0.2", &request.tunnel.address4);
		request.tunnel.length4 = 24;
	}
	if (is("six") || is("only-six")) {
		net_address_parse("fd00::2", &request.tunnel.address6);
		request.tunnel.length6 = 64;
	}
	for (size_t i = 0; is("networks") && i < WIRE_NETWORKS; i++) {
		char text[32];

		snprintf(text, sizeof text, "10.%zu.0.0/16", 100 + i);
		net_prefix_parse(text, &request.tunnel.networks[i]);
	}
	return request;
}

static void ask(const struct wire_request *request)
{
	assert_int_equal(write(peer, request, sizeof *request), sizeof *request);
	verbs_read_cb(gate.driver.channel, EV_READ, &gate);
}

struct way {
	const char *so;
	uint32_t verb;
	enum gate_actual actual;
};

static void run(const struct way *way)
{
	struct wire_request request;

	say("\n# verb %u, %s; %s", way->verb, actual_names[way->actual], way->so);
	so = way->so;
	failed[0] = '\0';
	gate.state = (struct gate_state){DESIRED_UP, way->actual};
	gate.attempt.pid = is("none") ? 0 : OPENVPN;
	gate.attempt.set = is("set");
	gate.attempt.index = 5;
	memset(&gate.situation.tunnel, 0, sizeof gate.situation.tunnel);
	request = request_of(way->verb);
	gate.attempt.tunnel = request.tunnel;
	gate.situation.tunnel.network_count = 3; /* of what was told before */
	if (is("same"))
		gate.situation.tunnel.address4 = request.tunnel.address4;
	if (is("same6"))
		gate.situation.tunnel.address6 = request.tunnel.address6;
	if (is("another-mtu"))
		gate.attempt.tunnel.mtu++;
	ask(&request);
	say("= index %u, %u; %s", gate.attempt.index, gate.situation.tunnel.index,
	    gate.attempt.set ? "set" : "not set");
}

static void test_each_verb(void **state)
{
	static const struct way ways[] = {
	    {"", VERB_READY, ACTUAL_LOCKED},
	    {"", VERB_COUNT, ACTUAL_LOCKED},
	    {"!firewall_blocked", VERB_COUNT, ACTUAL_LOCKED},
	    {"", VERB_DIAL, ACTUAL_LOCKED},
	    {"!attempt_dial", VERB_DIAL, ACTUAL_LOCKED},
	    {"!proof_dial", VERB_DIAL, ACTUAL_LOCKED},
	    {"", VERB_LEAVE, ACTUAL_OPEN},
	    {"none", VERB_LEAVE, ACTUAL_LOCKED},
	    {"", 0, ACTUAL_LOCKED},
	    {"", VERB_ASK + 1, ACTUAL_LOCKED},
	    {"", VERB_ASK, ACTUAL_LOCKED},
	    {"!names_check", VERB_ASK, ACTUAL_LOCKED},
	    {"!gate_dispatch", VERB_ASK, ACTUAL_DIALLING},
	    {"networks six", VERB_ADDRESS, ACTUAL_DIALLING},
	    {"same", VERB_ADDRESS, ACTUAL_DIALLING},
	    {"only-six", VERB_ADDRESS, ACTUAL_DIALLING},
	    {"same six", VERB_ADDRESS, ACTUAL_DIALLING},
	    {"same same6 six", VERB_ADDRESS, ACTUAL_DIALLING},
	    {"set", VERB_ADDRESS, ACTUAL_DIALLING},
	    {"set another-mtu", VERB_ADDRESS, ACTUAL_DIALLING},
	    {"", VERB_ADDRESS, ACTUAL_OPEN},
	    {"", VERB_ADDRESS, ACTUAL_LOCKED},
	    {"!firewall_assert", VERB_ADDRESS, ACTUAL_DIALLING},
	    {"!gate_route", VERB_ADDRESS, ACTUAL_DIALLING},
	    {"!child_holds_interface", VERB_ADDRESS, ACTUAL_DIALLING},
	    {"!device_set", VERB_ADDRESS, ACTUAL_DIALLING},
	    {"!attempt_verify_tunnel", VERB_ADDRESS, ACTUAL_DIALLING},
	    {"networks", VERB_OPEN, ACTUAL_DIALLING},
	    {"set only-six", VERB_OPEN, ACTUAL_DIALLING},
	    {"set another-mtu", VERB_OPEN, ACTUAL_DIALLING},
	    {"", VERB_OPEN, ACTUAL_OPEN},
	    {"", VERB_OPEN, ACTUAL_LOCKED},
	    {"!child_became", VERB_OPEN, ACTUAL_DIALLING},
	    {"!child_holds_interface", VERB_OPEN, ACTUAL_DIALLING},
	    {"!device_set", VERB_OPEN, ACTUAL_DIALLING},
	    {"set !attempt_verify_tunnel", VERB_OPEN, ACTUAL_DIALLING},
	    {"set !gate_route", VERB_OPEN, ACTUAL_DIALLING},
	    {"set !proof_open", VERB_OPEN, ACTUAL_DIALLING},
	    {"set !gate_dispatch", VERB_OPEN, ACTUAL_DIALLING},
	};

	(void)state;
	for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++)
		run(&ways[i]);
	assert_golden("tests/golden/verbs/each", journal);
}

static void refuse(const struct wire_request *request, const char *why)
{
	journal[0] = '\0';
	ask(request);
	if (strstr(journal, why) == NULL)
		fail_msg("\"%s\" is not in \"%s\"", why, journal);
}

/* The endpoint is in no network that goes into the tunnel: where the bounds are. */
static void test_where_the_endpoint_is(void **state)
{
	static const char in[] = "the endpoint is inside the tunnel", beside[] = "attempt_verify_tunnel";
	struct wire_request request;

	(void)state;
	gate.state = (struct gate_state){DESIRED_UP, ACTUAL_DIALLING};
	gate.attempt.pid = OPENVPN;
	request = request_of(VERB_ADDRESS);
	net_address_parse("192.0.2.3", &request.tunnel.address4);
	request.tunnel.length4 = 31;
	refuse(&request, beside);
	gate.attempt.set = false;
	request.tunnel.length4 = 30;
	refuse(&request, in);
	request.tunnel.length4 = 0; /* its own address and no more */
	refuse(&request, beside);
	gate.attempt.set = false;
	net_address_parse("192.0.2.1", &request.tunnel.address4);
	refuse(&request, in);
	request = request_of(VERB_ADDRESS);
	net_address_parse("192.0.2.1", &request.tunnel.peer4);
	refuse(&request, in);
	net_address_parse("192.0.2.2", &request.tunnel.peer4);
	refuse(&request, beside);
	gate.attempt.set = false;
	request = request_of(VERB_ADDRESS);
	net_prefix_parse("192.0.2.0/31", &request.tunnel.networks[WIRE_NETWORKS - 1]);
	refuse(&request, in);
	net_prefix_parse("192.0.2.2/31", &request.tunnel.networks[WIRE_NETWORKS - 1]);
	refuse(&request, beside);
	gate.attempt.set = false;
	net_prefix_parse("0.0.0.0/0",
			 &request.tunnel.networks[WIRE_NETWORKS - 1]); /* all of it is no network */
	refuse(&request, beside);
	gate.attempt.set = false;
	net_endpoint_parse("[2001:db8::1]:443/tcp", &gate.attempt.endpoint);
	request = request_of(VERB_ADDRESS);
	net_address_parse("2001:db8::3", &request.tunnel.address6);
	request.tunnel.length6 = 127;
	refuse(&request, beside);
	gate.attempt.set = false;
	request.tunnel.length6 = 126;
	refuse(&request, in);
	request.tunnel.length6 = 0;
	refuse(&request, beside);
	gate.attempt.set = false;
	net_address_parse("2001:db8::1", &request.tunnel.address6);
	refuse(&request, in);
	strcpy(request.tunnel.name, "tun8");
	refuse(&request, "the interface is not ours");
}

static void test_in_pieces(void **state)
{
	struct wire_request request = request_of(VERB_READY);
	const size_t first = 3, second = sizeof request - 4;
	const char *bytes = (const char *)&request;

	(void)state;
	assert_int_equal(write(peer, bytes, first), first);
	verbs_read_cb(gate.driver.channel, EV_READ, &gate);
	assert_int_equal(write(peer, bytes + first, second), second);
	verbs_read_cb(gate.driver.channel, EV_READ, &gate);
	assert_string_equal(journal, "");
	assert_int_equal(write(peer, bytes + first + second, 1), 1);
	verbs_read_cb(gate.driver.channel, EV_READ, &gate);
	assert_string_equal(journal, "channel_notify 1 as it is\nnames_begin\nchannel_notify 2 as it is\n");
	journal[0] = '\0';
	ask(&request); /* and the next one */
	assert_string_equal(journal, "channel_notify 1 as it is\nnames_begin\nchannel_notify 2 as it is\n");
	/* Another version is refused before the rest has come. */
	journal[0] = '\0';
	request.version++;
	assert_int_equal(write(peer, bytes, sizeof request.version), sizeof request.version);
	verbs_read_cb(gate.driver.channel, EV_READ, &gate);
	assert_non_null(strstr(
	    journal, "another version, and is ended; instead: install both together\ndriver_restart\n"));
}

static void test_the_channels_end(void **state)
{
	static const struct {
		const char *so;
		bool ends;
	} ways[] = {{"!recv-again", false}, {"!recv-interrupted", false}, {"!recv-broken", true}};

	(void)state;
	for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
		journal[0] = '\0';
		so = ways[i].so;
		verbs_read_cb(gate.driver.channel, EV_READ, &gate);
		assert_string_equal(journal, ways[i].ends ? "driver_restart\n" : "");
	}
	so = "";
	journal[0] = '\0';
	assert_int_equal(shutdown(peer, SHUT_WR), 0);
	verbs_read_cb(gate.driver.channel, EV_READ, &gate);
	assert_string_equal(journal, "driver_restart\n");
}

/* A captured driver that asks without end fills no log, and is answered. */
static void test_many_refusals(void **state)
{
	struct wire_request request = request_of(VERB_DIAL);
	size_t lines = 0, answers = 0;

	(void)state;
	so = "!attempt_dial";
	for (int i = 0; i < 2 * LIMIT_BURST; i++)
		ask(&request);
	for (const char *at = journal; (at = strstr(at, "log 1")) != NULL; at++)
		lines++;
	for (const char *at = journal; (at = strstr(at, "channel_notify 6 attempt_dial fails")) != NULL; at++)
		answers++;
	assert_int_equal(lines, LIMIT_BURST);
	assert_int_equal(answers, 2 * LIMIT_BURST);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {TEST(test_each_verb), TEST(test_where_the_endpoint_is),
					   TEST(test_in_pieces), TEST(test_the_channels_end),
					   TEST(test_many_refusals)};

	return cmocka_run_group_tests_name("verbs", tests, NULL, NULL);
}
