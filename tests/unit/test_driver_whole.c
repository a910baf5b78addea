/* The whole driver between a gate, an openvpn and a client that the test plays: each note, each request, the
 * order of both, what `status` shows meanwhile, and how long the tunnel waits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "driver_world.h"

static void test_a_whole_run(void **state)
{
	struct wire_note_message ended = note_of(NOTE_ENDED, GATE_LOCKED, "openvpn has ended");

	(void)state;
	opened();
	shows("open", "connected", "the gate is open");
	assert_string_equal(shown("remote", "host"), "\"vpn.example\"");
	assert_string_equal(shown("remote", "address"), "\"192.0.2.1\"");
	assert_string_equal(shown("remote", "port"), "1194");
	assert_string_equal(shown("remote", "proto"), "\"udp\"");
	assert_string_equal(shown("addresses", NULL), "[\"10.8.0.2\",\"fd00::2\"]");
	assert_string_equal(shown("attempt", NULL), "1");
	assert_string_equal(shown("retry_in", NULL), "null");
	d.since = 0;
	note(NOTE_GATE, GATE_LOCKED, "the tunnel's interface is gone");
	assert_true(d.since != 0);
	asked_for(VERB_LEAVE);
	assert_int_equal(d.tunnel.state, TUNNEL_LEAVING_WAIT);
	shows("locked", "leaving", "the tunnel's interface is gone");
	ended.blocked = 77;
	strcpy(ended.notice, "beside it");
	tell(ended);
	assert_int_equal(d.tunnel.state, TUNNEL_WAITING);
	assert_true(is_closed(openvpn));
	shows("locked", "waiting",
	      "the tunnel's interface is gone; beside it"); /* why it left, not that it has */
	assert_string_equal(shown("blocked", "packets"), "77");
	assert_string_equal(shown("remote", "host"), "null");
	assert_string_equal(shown("addresses", NULL), "[]");
	assert_string_equal(shown("bytes", "in"), "null");
	assert_string_equal(shown("retry_in", NULL), "1");
	asked_for(0);
}

/* Each end that openvpn can have, while it is open: the gate is asked to end it at once. */
static void test_each_end_is_seen(void **state)
{
	static const char *const ends[] = {">STATE:1,RECONNECTING,ping-restart,,,,,",
					   ">STATE:1,EXITING,SIGTERM,,,,,",
					   ">STATE:1,CONNECTED,ERROR,10.8.0.2,192.0.2.1,1194,,",
					   ">STATE:1,CONNECTED,ROUTE_ERROR,,,,,",
					   ">HOLD:Waiting for hold release:1",
					   ">UPDOWN:DOWN",
					   NULL};

	for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
		opened();
		if (ends[i] != NULL) {
			says(ends[i]);
		} else {
			close(openvpn);
			openvpn = -1;
			pump();
		}
		asked_for(VERB_LEAVE);
		assert_int_equal(d.tunnel.state, TUNNEL_LEAVING_WAIT);
		teardown(state);
		setup(state);
	}
}

static void ends_with(const char *failure, const char *reason)
{
	says(failure);
	says(reason);
	asked_for(VERB_LEAVE);
	note(NOTE_ENDED, GATE_LOCKED, "openvpn left");
	note(NOTE_NETWORK, GATE_LOCKED, "");
	asked_for(0);
}

static void test_a_wrong_passphrase_stops(void **state)
{
	(void)state;
	connected();
	ends_with(">PASSWORD:Verification Failed: 'Private Key'",
		  ">STATE:1,EXITING,private-key-password-failure,,,,,");
	assert_int_equal(d.tunnel.state, TUNNEL_STOPPED);
	shows("locked", "stopped", "the credentials were refused");
	note(NOTE_INTENT, GATE_LOCKED, "");
	assert_int_equal(request().verb, VERB_DIAL);
}

/* The other host is asked at once, the same host's other address is not; then nobody for a minute. */
static void test_a_refused_log_in_waits(void **state)
{
	struct wire_request next;
	char text[NET_ENDPOINT_TEXT];

	(void)state;
	connected();
	ends_with(">PASSWORD:Verification Failed: 'Auth' ['no more']", ">STATE:1,EXITING,auth-failure,,,,,");
	assert_int_equal(d.tunnel.state, TUNNEL_WAITING);
	shows("locked", "waiting",
	      "the credentials were refused: 'Auth' ['no more']; another server is asked");
	until(TUNNEL_ASKED, 0, WAIT_MS);
	next = request();
	assert_int_equal(next.verb, VERB_DIAL);
	assert_string_equal(net_endpoint_text(&next.endpoint, text), "192.0.2.2:443/tcp");
	close(openvpn);
	started(getpid());
	openvpn = connect_to(&management_at, management_length);
	ends_with(">PASSWORD:Verification Failed: 'Auth'", ">STATE:1,EXITING,auth-failure,,,,,");
	assert_int_equal(d.tunnel.state, TUNNEL_WAITING);
	assert_between(d.tunnel.deadline - (uint64_t)clock_steady_ms(), 59000, 60000);
	shows("locked", "waiting", "every server was asked; the next log-in in 1 min");
	assert_string_equal(shown("retry_in", NULL), "60");
	note(NOTE_INTENT, GATE_LOCKED, "");
	assert_int_equal(request().verb, VERB_DIAL);
}

/* --- who is heard ------------------------------------------------------------- */

static void test_only_our_openvpn_is_heard(void **state)
{
	int early, stranger;

	(void)state;
	hello();
	early = connect_to(&management_at, management_length); /* nobody is expected */
	assert_true(is_closed(early));
	close(early);
	note(NOTE_INTENT, GATE_LOCKED, "");
	assert_int_equal(request().verb, VERB_DIAL);
	early = connect_to(&management_at, management_length); /* may be: the gate has not named it yet */
	assert_false(is_closed(early));
	assert_string_equal(heard(early), "");
	started(getpid() + 1); /* another one is */
	assert_true(is_closed(early));
	close(early);
	started(getpid());
	openvpn = connect_to(&management_at, management_length);
	assert_int_equal(strncmp(heard(openvpn), "version 3\n", 10), 0);
	stranger = connect_to(&management_at, management_length);
	assert_true(is_closed(stranger)); /* there is one already */
	close(stranger);
	note(NOTE_ENDED, GATE_LOCKED, "");
	assert_true(is_closed(openvpn));
	stranger = connect_to(&management_at, management_length);
	assert_true(is_closed(stranger));
	close(stranger);
}

static void test_who_came_before_its_name(void **state)
{
	int waiting[6];

	(void)state;
	dial();
	for (size_t i = 0; i < 6; i++)
		waiting[i] = connect_to(&management_at, management_length);
	for (size_t i = 0; i < 6; i++)
		assert_int_equal(is_closed(waiting[i]), i >= 4); /* so many may wait */
	started(getpid());
	pump();
	assert_int_equal(strncmp(heard(waiting[0]), "version 3\n", 10), 0);
	for (size_t i = 1; i < 6; i++)
		assert_true(is_closed(waiting[i]));
	for (size_t i = 0; i < 6; i++)
		close(waiting[i]);
}

static void test_who_waits_from_an_attempt_before(void **state)
{
	int waiting;

	(void)state;
	dial();
	waiting = connect_to(&management_at, management_length);
	note(NOTE_REFUSED, GATE_LOCKED, "no remote of the profile is there");
	assert_int_equal(d.tunnel.state, TUNNEL_WAITING);
	assert_true(is_closed(waiting));
	close(waiting);
}

/* --- what is wanted ------------------------------------------------------------ */

static void test_a_refusal(void **state)
{
	struct wire_note_message refused = note_of(NOTE_REFUSED, GATE_LOCKED, "the gate is locked");

	(void)state;
	dial();
	tell(refused);
	assert_int_equal(d.tunnel.state, TUNNEL_WAITING);
	shows("locked", "waiting", "the gate is locked");
	asked_for(0);
	note(NOTE_INTENT, GATE_LOCKED, "up, by root's command");
	assert_int_equal(request().verb, VERB_DIAL);
	started(getpid());
	refused.pid = getpid(); /* it still runs */
	refused.gate = GATE_DIALLING;
	tell(refused);
	asked_for(VERB_LEAVE);
	assert_int_equal(d.tunnel.state, TUNNEL_LEAVING_WAIT);
}

/* Nothing is dialled while the gate could not; and again once it can. */
static void test_the_gates_states(void **state)
{
	static const enum wire_gate shut[] = {GATE_PAUSED, GATE_OFF, GATE_UNPROTECTED};

	for (size_t i = 0; i < sizeof shut / sizeof shut[0]; i++) {
		opened();
		note(NOTE_GATE, shut[i], "by root's command");
		asked_for(VERB_LEAVE);
		assert_int_equal(d.tunnel.state, TUNNEL_LEAVING_DOWN);
		note(NOTE_ENDED, shut[i], "");
		assert_int_equal(d.tunnel.state, TUNNEL_DOWN);
		shows(wire_gate_word(shut[i]), "down", "by root's command");
		note(NOTE_NETWORK, shut[i], "");
		asked_for(0);
		note(NOTE_GATE, GATE_LOCKED, "the pause is over");
		assert_int_equal(request().verb, VERB_DIAL);
		teardown(state);
		setup(state);
	}
}

/* What the gate ends already is not asked to leave. */
static void test_what_leaves_is_not_asked(void **state)
{
	struct wire_note_message down = note_of(NOTE_GATE, GATE_DIALLING, "down, by root's command");

	(void)state;
	opened();
	down.intent = INTENT_DOWN;
	down.pid = getpid();
	down.leaving = 1;
	tell(down);
	asked_for(0);
	assert_int_equal(d.tunnel.state, TUNNEL_LEAVING_DOWN);
	note(NOTE_ENDED, GATE_LOCKED, "down, by root's command");
	assert_int_equal(request().verb, VERB_DIAL);
}

/* A count steps nothing, whatever it says of the gate; news of the gate do. */
static void test_a_count_is_no_news(void **state)
{
	(void)state;
	opened();
	note(NOTE_COUNT, GATE_PAUSED, "");
	asked_for(0);
	assert_int_equal(d.tunnel.state, TUNNEL_CONNECTED);
	note(NOTE_GATE, GATE_PAUSED, "");
	asked_for(VERB_LEAVE);
	assert_int_equal(d.tunnel.state, TUNNEL_LEAVING_DOWN);
}

static void test_down_and_reconnect(void **state)
{
	struct wire_note_message message = note_of(NOTE_INTENT, GATE_OPEN, "by root's command");

	(void)state;
	opened();
	message.intent = INTENT_RECONNECT;
	tell(message);
	asked_for(VERB_LEAVE);
	assert_int_equal(d.tunnel.state, TUNNEL_LEAVING_RETRY);
	note(NOTE_ENDED, GATE_LOCKED, "");
	assert_int_equal(request().verb, VERB_DIAL); /* at once */
	message.intent = INTENT_DOWN;
	message.gate = GATE_DIALLING;
	tell(message);
	asked_for(VERB_LEAVE);
	message.note = NOTE_ENDED;
	message.gate = GATE_LOCKED;
	tell(message);
	assert_int_equal(d.tunnel.state, TUNNEL_DOWN);
	shows("locked", "down", "by root's command");
	asked_for(0);
}

/* --- servers, one after the other -------------------------------------------------- */

static void refused_once(const char *address)
{
	char text[NET_ENDPOINT_TEXT];
	struct wire_request asked = request();

	assert_int_equal(asked.verb, VERB_DIAL);
	assert_string_equal(net_endpoint_text(&asked.endpoint, text), address);
	note(NOTE_REFUSED, GATE_LOCKED, "");
	note(NOTE_INTENT, GATE_LOCKED, "");
}

static void test_each_server_has_its_turn(void **state)
{
	(void)state;
	hello();
	note(NOTE_INTENT, GATE_LOCKED, "");
	refused_once("192.0.2.1:1194/udp");
	refused_once("[2001:db8::1]:1194/udp");
	refused_once("192.0.2.2:443/tcp"); /* never.example is unknown */
	/* Again, and the family that was silent last is not the first. */
	refused_once("[2001:db8::1]:1194/udp");
	refused_once("192.0.2.1:1194/udp");
	refused_once("192.0.2.2:443/tcp");
}

static void test_no_server_at_all(void **state)
{
	teardown(state);
	start_with("remote never.example 1195 tcp\nneeds 0\n\n");
	hello();
	note(NOTE_INTENT, GATE_LOCKED, "");
	asked_for(0);
	assert_int_equal(d.tunnel.state, TUNNEL_WAITING);
	shows("locked", "waiting", "no server of the profile has a known address");
}

static void test_a_profile_that_is_none(void **state)
{
	struct remotes remotes;
	struct err e = {""};
	int empty = file_with("");

	(void)state;
	assert_int_equal(remotes_open(&remotes, -1, &e), -1);
	assert_non_null(strstr(e.text, "can't be read"));
	assert_int_equal(remotes_open(&remotes, empty, &e), -1);
	assert_non_null(strstr(e.text, "has 0 bytes"));
	assert_int_equal(ftruncate(empty, CANONICAL_SIZE_MAX + 1), 0);
	assert_int_equal(remotes_open(&remotes, empty, &e), -1);
	assert_int_equal(ftruncate(empty, 1), 0);
	assert_int_equal(remotes_open(&remotes, empty, &e), 0);
	munmap((void *)(uintptr_t)remotes.text, remotes.length);
	close(empty);
}

/* --- time ------------------------------------------------------------------------- */

static void test_the_wait_ends(void **state)
{
	(void)state;
	dial();
	note(NOTE_REFUSED, GATE_LOCKED, "");
	assert_int_equal(d.tunnel.state, TUNNEL_WAITING);
	assert_between(d.tunnel.deadline - (uint64_t)clock_steady_ms(), 100, 563); /* 500, and an eighth */
	until(TUNNEL_ASKED, 100, WAIT_MS);
	assert_int_equal(request().verb, VERB_DIAL);
	shows("locked", "connecting", "dialling vpn.example");
}

/* A change of network is worth a try: not later than the first wait would have been. */
static void test_a_network_ends_the_wait(void **state)
{
	int64_t dialled;

	(void)state;
	dial();
	for (int i = 0; i < 3; i++) { /* until the wait is a long one */
		note(NOTE_REFUSED, GATE_LOCKED, "");
		until(TUNNEL_ASKED, 100, WAIT_MS);
		assert_int_equal(request().verb, VERB_DIAL);
	}
	dialled = clock_steady_ms();
	note(NOTE_REFUSED, GATE_LOCKED, "");
	assert_true(d.tunnel.deadline > (uint64_t)dialled + 3000);
	note(NOTE_NETWORK, GATE_LOCKED, "");
	assert_true(d.tunnel.deadline <= (uint64_t)clock_steady_ms() + 500);
	until(TUNNEL_ASKED, 0, WAIT_MS);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_a_whole_run),
	    TEST(test_each_end_is_seen),
	    TEST(test_a_wrong_passphrase_stops),
	    TEST(test_a_refused_log_in_waits),
	    TEST(test_only_our_openvpn_is_heard),
	    TEST(test_who_came_before_its_name),
	    TEST(test_who_waits_from_an_attempt_before),
	    TEST(test_a_refusal),
	    TEST(test_the_gates_states),
	    TEST(test_what_leaves_is_not_asked),
	    TEST(test_a_count_is_no_news),
	    TEST(test_down_and_reconnect),
	    TEST(test_each_server_has_its_turn),
	    TEST(test_no_server_at_all),
	    TEST(test_a_profile_that_is_none),
	    TEST(test_the_wait_ends),
	    TEST(test_a_network_ends_the_wait),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
