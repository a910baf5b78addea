/* gate: each verb of the driver and of gate.sock, with every value that must be refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gate/verbs.h"
/* The stand-ins for the ports; the archive's own are then not linked. */
#include "tests/fuzz/gate_stub.c" /* NOLINT(bugprone-suspicious-include) */

static struct gate gate;
static int peer;

static int setup(void **state)
{
	(void)state;
	stub_gate(&gate, &peer);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	stub_end(&gate, peer);
	return 0;
}

static struct wire_request dial(const char *endpoint)
{
	struct wire_request request = {.version = WIRE_VERSION, .verb = VERB_DIAL};

	assert_int_equal(net_endpoint_parse(endpoint, &request.endpoint), 0);
	return request;
}

static struct wire_request tunnel(uint32_t verb)
{
	struct wire_request request = {.version = WIRE_VERSION, .verb = verb};

	memcpy(request.tunnel.name, "tun0", 5);
	net_address_parse("10.8.0.2", &request.tunnel.address4);
	request.tunnel.length4 = 24;
	request.tunnel.mtu = 1500;
	net_prefix_parse("10.8.0.0/24", &request.tunnel.networks[0]);
	net_address_parse("10.8.0.1", &request.tunnel.dns[0]);
	memcpy(request.tunnel.domains[0], "example.org", 12);
	return request;
}

/* Sends it, lets the gate act, returns the last note but NOTE_GATE. */
static struct wire_note_message ask(struct wire_request request)
{
	struct wire_note_message message, last = {0};

	assert_int_equal(send(peer, &request, sizeof request, 0), sizeof request);
	verbs_read_cb(gate.driver.channel, EV_READ, &gate);
	stub_check(&gate);
	while (recv(peer, &message, sizeof message, MSG_DONTWAIT) == (ssize_t)sizeof message) {
		assert_int_equal(message.version, WIRE_VERSION);
		if (message.note != NOTE_GATE || last.note == 0)
			last = message;
	}
	return last;
}

static void refused(struct wire_request request, const char *why)
{
	struct wire_note_message note = ask(request);

	assert_int_equal(note.note, NOTE_REFUSED);
	assert_non_null(strstr(note.text, why));
}

static void dials_and_opens(void **state)
{
	(void)state;
	assert_int_equal(ask(dial("192.0.2.1:1194/udp")).note, NOTE_DIALLING);
	assert_int_equal(gate_shown(&gate), GATE_DIALLING);
	ask(tunnel(VERB_ADDRESS));
	assert_int_equal(gate.situation.tunnel.address4.family, NET_IPV4);
	assert_int_equal(ask(tunnel(VERB_OPEN)).note, NOTE_OPEN);
	assert_int_equal(gate_shown(&gate), GATE_OPEN);
	refused(tunnel(VERB_ADDRESS), "the gate is open");
	attempt_reaped(&gate, 0);
	assert_int_equal(gate_shown(&gate), GATE_LOCKED);
	assert_int_equal(gate.situation.tunnel.address4.family, NET_NONE);
}

static void a_dial_needs_a_remote(void **state)
{
	(void)state;
	refused(dial("192.0.2.1:1195/udp"), "the profile has no such remote");
	refused(dial("192.0.2.2:1194/udp"), "the profile has no such remote");
	refused(dial("192.0.2.1:1194/tcp"), "the profile has no such remote");
	refused(dial("127.0.0.1:1194/udp"), "the profile has no such remote");
	refused(dial("224.0.0.1:1194/udp"), "the profile has no such remote");
	refused(dial("[::ffff:192.0.2.1]:1194/udp"), "the profile has no such remote");
	assert_int_equal(gate_shown(&gate), GATE_LOCKED);
	gate.state.desired = DESIRED_DOWN;
	refused(dial("192.0.2.1:1194/udp"), "no tunnel is wanted");
	gate.state.desired = DESIRED_UP;
	assert_int_equal(ask(dial("192.0.2.1:1194/udp")).note, NOTE_DIALLING);
	refused(dial("192.0.2.1:1194/udp"), "under way");
}

static void open_needs_an_attempt_and_a_tunnel(void **state)
{
	struct wire_request request = tunnel(VERB_OPEN);

	(void)state;
	refused(request, "the gate is locked");
	refused(tunnel(VERB_ADDRESS), "not running");
	ask(dial("192.0.2.1:1194/udp"));
	memcpy(request.tunnel.name, "eth0", 5);
	refused(request, "not ours");
	memset(request.tunnel.name, 'x', sizeof request.tunnel.name);
	refused(request, "not ours");
	request = tunnel(VERB_OPEN);
	memset(&request.tunnel.address4, 0, sizeof request.tunnel.address4);
	refused(request, "no address");
	net_address_parse("127.0.0.1", &request.tunnel.address4);
	refused(request, "is not valid");
	request = tunnel(VERB_OPEN);
	request.tunnel.address4.family = NET_IPV6;
	refused(request, "is not valid");
	request = tunnel(VERB_OPEN);
	net_prefix_parse("192.0.0.0/16", &request.tunnel.networks[1]);
	refused(request, "inside the tunnel");
	request = tunnel(VERB_OPEN);
	request.tunnel.networks[1].address.family = NET_IPV4;
	request.tunnel.networks[1].length = 33;
	refused(request, "a network");
	request = tunnel(VERB_OPEN);
	request.tunnel.networks[0].address.bytes[3] = 5; /* host bits */
	refused(request, "a network");
	request = tunnel(VERB_OPEN);
	request.tunnel.address4.bytes[15] = 1;
	refused(request, "is not valid");
	request = tunnel(VERB_OPEN);
	request.tunnel.dns[1].family = 9;
	refused(request, "DNS server");
	request = tunnel(VERB_OPEN);
	memcpy(request.tunnel.domains[1], "a;reboot", 9);
	refused(request, "domain");
	memset(request.tunnel.domains[1], 'a', WIRE_DOMAIN);
	refused(request, "domain");
	assert_int_equal(gate_shown(&gate), GATE_DIALLING);
	gate.state.actual = ACTUAL_LEAVING;
	refused(tunnel(VERB_OPEN), "not running");
}

static struct wire_request routed(const char *to, const char *gateway)
{
	struct wire_request request = tunnel(VERB_ADDRESS);

	net_prefix_parse(to, &request.tunnel.routes[0].to);
	if (gateway != NULL)
		net_address_parse(gateway, &request.tunnel.routes[0].gateway);
	return request;
}

/* Each value that the device or a route would be set by. */
static void what_is_set_is_checked(void **state)
{
	struct wire_request request;

	(void)state;
	ask(dial("192.0.2.1:1194/udp"));
	request = tunnel(VERB_ADDRESS);
	request.tunnel.mtu = 575;
	refused(request, "too small");
	request = tunnel(VERB_ADDRESS);
	net_address_parse("fd00:8::2", &request.tunnel.address6);
	request.tunnel.mtu = 1279;
	refused(request, "too small");
	request = tunnel(VERB_ADDRESS);
	request.tunnel.mtu = 0;
	refused(request, "has not reported");
	request = tunnel(VERB_ADDRESS);
	request.tunnel.length4 = 33;
	refused(request, "subnet");
	request = tunnel(VERB_ADDRESS);
	request.tunnel.length6 = 64; /* of no address */
	refused(request, "subnet");
	request = tunnel(VERB_ADDRESS);
	net_address_parse("127.0.0.9", &request.tunnel.peer4);
	refused(request, "is not valid");
	net_address_parse("192.0.2.1", &request.tunnel.peer4);
	refused(request, "inside the tunnel");
	/* What the driver leaves out of the networks is seen all the same. */
	request = tunnel(VERB_ADDRESS);
	net_address_parse("192.0.2.9", &request.tunnel.address4);
	refused(request, "inside the tunnel");
	refused(routed("127.0.0.0/8", NULL), "is not valid");
	refused(routed("224.0.0.0/24", NULL), "is not valid");
	refused(routed("fe80::/64", NULL), "is not valid");
	refused(routed("ff02::/16", NULL), "is not valid");
	refused(routed("::1/128", NULL), "is not valid");
	request = routed("10.99.0.0/16", NULL);
	request.tunnel.routes[0].to.address.bytes[3] = 1; /* host bits */
	refused(request, "is not valid");
	request.tunnel.routes[0].to = (struct net_prefix){{NET_IPV4, {10}}, 33};
	refused(request, "is not valid");
	request = routed("10.99.0.0/16", NULL);
	request.tunnel.routes[0].excluded = 2;
	refused(request, "is not valid");
	refused(routed("10.99.0.0/16", "192.0.2.77"),
		"10.99.0.0/16 uses the gateway 192.0.2.77, which is not in the tunnel");
	refused(routed("10.99.0.0/16", "fd00:8::1"), "gateway");
	assert_false(gate.attempt.set);
	request = routed("10.99.0.0/16", "10.8.0.1");
	ask(request);
	assert_true(gate.attempt.set);
	/* Once for an attempt. */
	refused(routed("10.98.0.0/16", "10.8.0.1"), "than before");
	request.verb = VERB_OPEN;
	assert_int_equal(ask(request).note, NOTE_OPEN);
}

static void no_verb_pauses_or_unlocks(void **state)
{
	(void)state;
	for (uint32_t verb = VERB_ASK + 1; verb < VERB_ASK + 20; verb++) {
		struct wire_request request = {.version = WIRE_VERSION, .verb = verb};

		gate.driver.pid = NO_SUCH_PID - 1;
		ask(request);
		assert_int_equal(gate.driver.pid, 0);
		assert_int_equal(gate_shown(&gate), GATE_LOCKED);
	}
}

static void another_version_ends_the_driver(void **state)
{
	struct wire_request request = dial("192.0.2.1:1194/udp");

	(void)state;
	request.version++;
	ask(request);
	assert_int_equal(gate.driver.pid, 0);
	assert_int_equal(gate_shown(&gate), GATE_LOCKED);
}

static void the_drivers_end_locks(void **state)
{
	(void)state;
	ask(dial("192.0.2.1:1194/udp"));
	ask(tunnel(VERB_OPEN));
	assert_int_equal(gate_shown(&gate), GATE_OPEN);
	shutdown(peer, SHUT_WR);
	verbs_read_cb(gate.driver.channel, EV_READ, &gate);
	assert_int_equal(gate_shown(&gate), GATE_LOCKED);
	assert_int_equal(gate.driver.pid, 0);
}

static void a_pause_is_no_drivers_matter(void **state)
{
	(void)state;
	gate.pause_seconds = 60;
	assert_int_equal(gate_dispatch(&gate, EVENT_PAUSE, "test", NULL), 0);
	assert_int_equal(gate_shown(&gate), GATE_PAUSED);
	refused(dial("192.0.2.1:1194/udp"), "paused");
	assert_int_equal(gate_dispatch(&gate, EVENT_RESUME, "test", NULL), 0);
	assert_int_equal(gate_shown(&gate), GATE_LOCKED);
	assert_int_equal(ask(dial("192.0.2.1:1194/udp")).note, NOTE_DIALLING);
}

static void off_stays_off_for_the_driver(void **state)
{
	(void)state;
	assert_int_equal(gate_dispatch(&gate, EVENT_OFF, "test", NULL), 0);
	assert_int_equal(gate_shown(&gate), GATE_OFF);
	assert_true(off_marker_valid());
	refused(dial("192.0.2.1:1194/udp"), "off");
	assert_int_equal(ask((struct wire_request){.version = WIRE_VERSION, .verb = VERB_COUNT}).gate,
			 GATE_OFF);
}

/* --- the order: what is called, in which the policy comes first */

/* Stands in for libc's. */
int kill(pid_t pid, int number)
{
	(void)pid;
	return called(number == SIGKILL ? "kill" : number == SIGTERM ? "term" : "signal", NULL);
}

static void calls(const char *expected)
{
	assert_string_equal(stub_calls, expected);
	stub_calls[0] = '\0';
}

static int root(enum gate_event event)
{
	gate.pause_seconds = 60;
	return gate_dispatch(&gate, event, "root", NULL);
}

static void open_now(void)
{
	ask(dial("192.0.2.1:1194/udp"));
	calls("dialling spawn ");
	ask(tunnel(VERB_OPEN));
	calls("open ");
}

static void policy_comes_first(void **state)
{
	(void)state;
	open_now();
	assert_int_equal(root(EVENT_DOWN), 0);
	calls("dialling term "); /* the tunnel is shut, then openvpn is asked to go */
	attempt_reaped(&gate, 0);
	calls("lock lock "); /* and the links are looked at */
	assert_int_equal(root(EVENT_UP), 0);
	open_now();
	attempt_kill(&gate, "test");
	calls("lock kill ");
	attempt_reaped(&gate, 0);
	calls("lock ");
	assert_int_equal(root(EVENT_PAUSE), 0);
	calls("pause ");
	assert_int_equal(root(EVENT_RESUME), 0);
	calls("lock forget ");
	open_now();
	assert_int_equal(root(EVENT_OFF), 0);
	calls("dialling term ");
	attempt_reaped(&gate, 0);
	calls("lock lock mark remove ");
	assert_int_equal(gate_shown(&gate), GATE_OFF);
	assert_int_equal(root(EVENT_UP), 0);
	calls("lock ");
	assert_int_equal(gate_shown(&gate), GATE_LOCKED);
}

/* The last word of root's counts: a pause that waits for openvpn's end is forgotten. */
static void last_word_counts(void **state)
{
	(void)state;
	open_now();
	assert_int_equal(root(EVENT_PAUSE), 0);
	assert_int_equal(root(EVENT_UP), 0);
	attempt_reaped(&gate, 0);
	calls("dialling term lock lock ");
	open_now();
	assert_int_equal(root(EVENT_DOWN), 0);
	assert_int_equal(root(EVENT_PAUSE), 0);
	attempt_reaped(&gate, 0);
	calls("dialling term lock lock pause ");
	refused(dial("192.0.2.1:1194/udp"), "paused");
	assert_int_equal(root(EVENT_RESUME), 0);
	refused(dial("192.0.2.1:1194/udp"), "no tunnel is wanted");
}

/* Each call in turn fails, in each state of an attempt: what stands is safer, and is what was verified. */
static void what_fails_is_safer(void **state)
{
	static const enum gate_event events[] = {EVENT_DOWN, EVENT_PAUSE,     EVENT_OFF,   EVENT_KILL,
						 EVENT_STOP, EVENT_DISTURBED, EVENT_MARKER};
	static const char *const words[] = {"lock",   "dialling", "dialling lock", "pause",
					    "remove", "mark",     "pause lock",    "remove lock"};

	(void)state;
	for (size_t i = 0; i < sizeof events / sizeof *events; i++) {
		for (size_t k = 0; k < sizeof words / sizeof *words; k++) {
			teardown(NULL);
			setup(NULL);
			open_now();
			stub_fails = words[k];
			(void)root(events[i]);
			stub_check(&gate);
			assert_int_not_equal(gate.state.actual, ACTUAL_OPEN);
			attempt_reaped(&gate, 0);
			stub_check(&gate);
			if (strstr(words[k], "lock") != NULL && gate_shown(&gate) == GATE_LOCKED)
				fail_msg("locked, and no lock was verified: %s", words[k]);
			if (gate_shown(&gate) == GATE_UNPROTECTED) {
				refused(dial("192.0.2.1:1194/udp"), "unprotected");
				stub_fails = "";
				assert_int_equal(gate_dispatch(&gate, EVENT_RETRY, "again", NULL), 0);
			}
			stub_check(&gate);
		}
	}
}

/* Two arrows that went back: a status query was news of the gate, and what was leaving was asked to leave. */
static void nothing_goes_back(void **state)
{
	struct wire_request count = {.version = WIRE_VERSION, .verb = VERB_COUNT};
	struct wire_request leave = {.version = WIRE_VERSION, .verb = VERB_LEAVE};

	(void)state;
	assert_int_equal(ask(count).note, NOTE_COUNT);
	open_now();
	assert_int_equal(ask(count).leaving, 0);
	assert_int_equal(root(EVENT_DOWN), 0);
	assert_int_equal(ask(count).leaving, 1); /* the driver need not ask */
	calls("dialling term ");
	ask(leave); /* and if it does all the same */
	calls("");
}

#define CASE(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(dials_and_opens),
	    CASE(a_dial_needs_a_remote),
	    CASE(open_needs_an_attempt_and_a_tunnel),
	    CASE(what_is_set_is_checked),
	    CASE(no_verb_pauses_or_unlocks),
	    CASE(another_version_ends_the_driver),
	    CASE(the_drivers_end_locks),
	    CASE(a_pause_is_no_drivers_matter),
	    CASE(off_stays_off_for_the_driver),
	    CASE(policy_comes_first),
	    CASE(last_word_counts),
	    CASE(what_fails_is_safer),
	    CASE(nothing_goes_back),
	};

	return cmocka_run_group_tests_name("gate verbs", tests, NULL, NULL);
}
