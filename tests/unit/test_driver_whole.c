/* The whole driver between a gate, an openvpn and a client that the test plays: each note, each request, the
 * order of both, what `status` shows meanwhile, and how long anything may take. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "between.h"
#include "driver/driver.h"
#include "driver/vet.h"
#include "os/host/clock.h"

enum { LINE = 16 * 1024, HIGH = 40, WAIT_MS = 3000 };

static const char profile[] = "remote vpn.example 1194 udp 192.0.2.1 2001:db8::1\n"
			      "remote never.example 1195 tcp\n"
			      "remote tcp.example 443 tcp 192.0.2.2\n"
			      "needs 1\n\n"
			      "pull-filter \"ignore\" \"dhcp-option DNS\"\n";

static struct driver d;
static int gate, openvpn; /* our ends */
static struct sockaddr_un control_at, management_at;
static socklen_t control_length, management_length;

/* --- what the driver is started with --------------------------------------- */

static void put(int fd, int wanted)
{
	assert_true(fd != -1);
	assert_int_equal(dup2(fd, wanted), wanted);
	close(fd);
}

/* Above the descriptors that the wire names. */
static int high(int fd)
{
	int other = fcntl(fd, F_DUPFD_CLOEXEC, HIGH);

	assert_true(other != -1);
	close(fd);
	return other;
}

static int file_with(const char *text)
{
	int fd = memfd_create("test", MFD_CLOEXEC);

	assert_true(fd != -1);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	return high(fd);
}

static int listen_at(struct sockaddr_un *at, socklen_t *length)
{
	int fd = high(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));

	memset(at, 0, sizeof *at);
	at->sun_family = AF_UNIX;
	assert_int_equal(bind(fd, (struct sockaddr *)at, sizeof(sa_family_t)), 0);
	*length = sizeof *at;
	assert_int_equal(getsockname(fd, (struct sockaddr *)at, length), 0);
	assert_int_equal(listen(fd, 8), 0);
	return fd;
}

static int start_with(const char *text)
{
	struct err e = {""};
	int ends[2], captive_dns;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	ends[0] = high(ends[0]);
	ends[1] = high(ends[1]);
	captive_dns = high(open("/dev/null", O_RDWR | O_CLOEXEC));
	put(listen_at(&control_at, &control_length), WIRE_FD_CONTROL);
	put(listen_at(&management_at, &management_length), WIRE_FD_MANAGEMENT);
	put(file_with(""), WIRE_FD_LOG);
	put(file_with(text), WIRE_FD_PROFILE);
	put(file_with("somebody\nsecret\n"), WIRE_FD_PASSWORD);
	put(file_with(""), WIRE_FD_TOTP);
	put(file_with(""), WIRE_FD_TOTP_USED);
	put(file_with(""), WIRE_FD_PASSPHRASE);
	put(file_with(""), WIRE_FD_REFUSED);
	put(captive_dns, WIRE_FD_CAPTIVE_DNS);
	put(ends[1], WIRE_FD_CHANNEL);
	gate = ends[0];
	openvpn = -1;
	assert_int_equal(driver_open(&d, &e), 0);
	return 0;
}

static int setup(void **state)
{
	(void)state;
	return start_with(profile);
}

static int teardown(void **state)
{
	(void)state;
	driver_close(&d);
	close(gate);
	if (openvpn != -1)
		close(openvpn);
	log_open(STDERR_FILENO, LOG_ERROR);
	return 0;
}

static void pump(void)
{
	for (int i = 0; i < 6; i++)
		event_base_loop(d.base, EVLOOP_NONBLOCK);
}

/* --- the gate ---------------------------------------------------------------- */

/* It wants a tunnel where it may dial. */
static struct wire_note_message note_of(enum wire_note note, enum wire_gate state, const char *text)
{
	bool dials = state != GATE_PAUSED && state != GATE_OFF && state != GATE_UNPROTECTED;
	struct wire_note_message message = {
	    .version = WIRE_VERSION, .note = note, .gate = state, .intent = dials ? INTENT_UP : INTENT_DOWN};

	snprintf(message.text, sizeof message.text, "%s", text);
	return message;
}

static void tell(struct wire_note_message message)
{
	assert_int_equal(write(gate, &message, sizeof message), sizeof message);
	pump();
}

static void note(enum wire_note kind, enum wire_gate state, const char *text)
{
	tell(note_of(kind, state, text));
}

/* The next request; its verb is 0 if there is none. */
static struct wire_request request(void)
{
	struct wire_request got = {.verb = 0};
	ssize_t size = recv(gate, &got, sizeof got, MSG_DONTWAIT);

	assert_true(size == (ssize_t)sizeof got || (size == -1 && errno == EAGAIN));
	assert_true(size == -1 || got.version == WIRE_VERSION);
	return size == -1 ? (struct wire_request){.verb = 0} : got;
}

static void asked_for(uint32_t verb)
{
	assert_int_equal(request().verb, verb);
	assert_int_equal(verb == 0 ? 0 : request().verb, 0); /* and for nothing else */
}

static void hello(void)
{
	struct wire_note_message message = note_of(NOTE_HELLO, GATE_LOCKED, "locked at the start");

	message.intent = INTENT_DOWN;
	strcpy(message.hello.gate_version, PORTCULLIS_VERSION);
	strcpy(message.hello.profile_name, "/etc/portcullis/a.ovpn");
	strcpy(message.hello.interface, "tun0");
	message.hello.boot_locked_at = 1000;
	message.hello.control_gid = -1;
	message.hello.log_level = LOG_DEBUG;
	tell(message);
	asked_for(0);
}

/* --- openvpn -------------------------------------------------------------------- */

static int connect_to(const struct sockaddr_un *at, socklen_t length)
{
	int fd = high(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));

	assert_int_equal(connect(fd, (const struct sockaddr *)at, length), 0);
	pump();
	return fd;
}

static void says(const char *line)
{
	assert_int_equal(write(openvpn, line, strlen(line)), strlen(line));
	assert_int_equal(write(openvpn, "\r\n", 2), 2);
	pump();
}

static const char *heard(int fd)
{
	static char text[LINE];
	ssize_t got = recv(fd, text, sizeof text - 1, MSG_DONTWAIT);

	text[got > 0 ? got : 0] = '\0';
	return text;
}

static bool is_closed(int fd)
{
	char byte;

	return recv(fd, &byte, 1, MSG_DONTWAIT) == 0;
}

static void dial(void)
{
	struct wire_request asked;

	hello();
	note(NOTE_INTENT, GATE_LOCKED, "");
	asked = request();
	assert_int_equal(asked.verb, VERB_DIAL);
	assert_int_equal(asked.endpoint.port, 1194);
	assert_int_equal(asked.endpoint.proto, NET_UDP);
	assert_int_equal(asked.endpoint.address.bytes[3], 1);
	asked_for(0);
	assert_int_equal(d.tunnel.state, TUNNEL_ASKED);
}

static void started(int32_t pid)
{
	struct wire_note_message message = note_of(NOTE_DIALLING, GATE_DIALLING, "");

	message.pid = pid;
	tell(message);
}

static void connected(void)
{
	dial();
	started(getpid());
	openvpn = connect_to(&management_at, management_length);
	says(">INFO:OpenVPN Management Interface Version 5 -- type 'help' for more info");
	assert_string_equal(heard(openvpn), "version 3\nstate on\nlog on all\nbytecount 0\npid\n");
	says(">HOLD:Waiting for hold release:0");
	assert_string_equal(heard(openvpn), "hold release\n");
	says(">STATE:1,AUTH,,,,,,");
	assert_int_equal(d.tunnel.state, TUNNEL_AUTHENTICATING);
	says(">PASSWORD:Need 'Auth' username/password");
	assert_string_equal(heard(openvpn), "username Auth somebody\npassword Auth secret\n");
	says(">STATE:1,GET_CONFIG,,,,,,");
	assert_int_equal(d.tunnel.state, TUNNEL_PENDING);
	asked_for(0);
}

static void opened(void)
{
	struct wire_request asked;

	connected();
	says(">STATE:1,ASSIGN_IP,,10.8.0.2,,,,,fd00::2");
	asked = request();
	assert_int_equal(asked.verb, VERB_ADDRESS);
	assert_string_equal(asked.tunnel.name, "tun0");
	assert_int_equal(asked.tunnel.address4.bytes[0], 10);
	assert_int_equal(asked.tunnel.address6.bytes[0], 0xfd);
	asked_for(0);
	says(">STATE:1,CONNECTED,SUCCESS,10.8.0.2,192.0.2.1,1194,,,fd00::2");
	asked = request();
	assert_int_equal(asked.verb, VERB_OPEN);
	assert_string_equal(asked.tunnel.name, "tun0");
	assert_int_equal(asked.tunnel.address4.bytes[3], 2);
	asked_for(0);
	assert_int_equal(d.tunnel.state, TUNNEL_OPENING);
	note(NOTE_OPEN, GATE_OPEN, "");
	assert_int_equal(d.tunnel.state, TUNNEL_CONNECTED);
	asked_for(0);
	(void)heard(openvpn);
}

/* --- status -------------------------------------------------------------------- */

/* A path of keys, as text; "null" if it is that. Kept until the next call. */
static const char *shown(const char *key, const char *inner)
{
	static char text[LINE];
	char *line = driver_status(&d, (uint64_t)clock_steady_ms()), *value;
	json_t *object = json_loads(line, 0, NULL);
	const json_t *found = json_object_get(object, key);

	assert_non_null(found);
	if (inner != NULL)
		found = json_object_get(found, inner);
	assert_non_null(found);
	value = json_dumps(found, JSON_ENCODE_ANY | JSON_COMPACT);
	snprintf(text, sizeof text, "%s", value);
	free(value);
	free(line);
	json_decref(object);
	return text;
}

static void shows(const char *gate_word, const char *tunnel_word, const char *reason)
{
	char with_marks[DRIVER_REASON];

	snprintf(with_marks, sizeof with_marks, "\"%s\"", gate_word);
	assert_string_equal(shown("gate", NULL), with_marks);
	snprintf(with_marks, sizeof with_marks, "\"%s\"", tunnel_word);
	assert_string_equal(shown("tunnel", NULL), with_marks);
	if (strstr(shown("reason", NULL), reason) == NULL)
		fail_msg("\"%s\" is not in %s", reason, shown("reason", NULL));
}

static void test_what_status_shows(void **state)
{
	(void)state;
	assert_string_equal(shown("profile", NULL), "null");
	assert_string_equal(shown("boot_locked_at", NULL), "null");
	hello();
	shows("locked", "down", "null");
	assert_string_equal(shown("version", NULL), "\"" PORTCULLIS_VERSION "\"");
	assert_string_equal(shown("profile", NULL), "\"/etc/portcullis/a.ovpn\"");
	assert_string_equal(shown("interface", NULL), "\"tun0\"");
	assert_non_null(strstr(shown("boot_locked_at", NULL), "1970-01-01T"));
	assert_string_equal(shown("remote", "address"), "null");
	assert_string_equal(shown("bytes", "in"), "null");
	assert_string_equal(shown("attempt", NULL), "0");
	assert_string_equal(shown("retry_in", NULL), "null");
}

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

static void until(enum tunnel_state wanted, int64_t least, int64_t most)
{
	int64_t begun = clock_steady_ms(), took;

	while (d.tunnel.state != wanted && clock_steady_ms() < begun + WAIT_MS)
		event_base_loop(d.base, EVLOOP_ONCE);
	took = clock_steady_ms() - begun;
	assert_int_equal(d.tunnel.state, wanted);
	assert_between(took, least, most);
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

/* The answer to one who asks for the status: with counts, or after a while without. */
static void answer_of(int client, char *to, size_t size, int64_t least, int64_t most)
{
	int64_t begun = clock_steady_ms();
	const char *got;

	while (*(got = heard(client)) == '\0' && clock_steady_ms() < begun + WAIT_MS) {
		event_base_loop(d.base, EVLOOP_NONBLOCK);
		(void)poll(NULL, 0, 1);
	}
	assert_true(got[0] == '{');
	assert_between(clock_steady_ms() - begun, least, most);
	snprintf(to, size, "%s", got);
}

static void ask_status(int client)
{
	static const char line[] = "{\"command\":\"status\"}\n";

	assert_int_equal(write(client, line, sizeof line - 1), sizeof line - 1);
	pump();
}

static void test_counts_are_asked_for(void **state)
{
	struct wire_note_message answer = note_of(NOTE_COUNT, GATE_OPEN, "");
	char text[LINE];
	int client;

	(void)state;
	if (geteuid() != 0)
		skip(); /* the control socket is root's */
	opened();
	client = connect_to(&control_at, control_length);
	ask_status(client);
	asked_for(VERB_COUNT);
	assert_string_equal(heard(openvpn), "load-stats\n");
	assert_string_equal(heard(client), "");
	answer.blocked = 5;
	tell(answer);
	assert_string_equal(heard(client), ""); /* openvpn has not answered */
	says("SUCCESS: nclients=0,bytesin=12,bytesout=34");
	answer_of(client, text, sizeof text, 0, 280);
	assert_non_null(strstr(text, "\"bytes\":{\"in\":12,\"out\":34}"));
	assert_non_null(strstr(text, "\"packets\":5"));
	ask_status(client); /* fresh enough */
	asked_for(0);
	answer_of(client, text, sizeof text, 0, 280);
	/* Neither answers: */
	while ((uint64_t)clock_steady_ms() - d.refreshed_at <= 100)
		(void)poll(NULL, 0, 5);
	ask_status(client);
	asked_for(VERB_COUNT);
	answer_of(client, text, sizeof text, 200, 595);
	while ((uint64_t)clock_steady_ms() - d.refreshed_at <= 100)
		(void)poll(NULL, 0, 5);
	ask_status(client);
	asked_for(0); /* the gate owes an answer already */
	tell(answer);
	says("SUCCESS: nclients=0,bytesin=13,bytesout=35");
	says("SUCCESS: nclients=0,bytesin=14,bytesout=36");
	answer_of(client, text, sizeof text, 0, 400);
	close(client);
}

static void test_one_who_watches_is_told(void **state)
{
	static const char line[] = "{\"command\":\"watch\"}\n";
	char text[LINE];
	int client;

	(void)state;
	if (geteuid() != 0)
		skip(); /* the control socket is root's */
	hello();
	client = connect_to(&control_at, control_length);
	assert_int_equal(write(client, line, sizeof line - 1), sizeof line - 1);
	answer_of(client, text, sizeof text, 0, 600);
	note(NOTE_GATE, GATE_UNPROTECTED, "it can't be locked");
	answer_of(client, text, sizeof text, 0, 600);
	assert_non_null(strstr(text, "\"gate\":\"unprotected\""));
	close(client);
}

/* --- the channel --------------------------------------------------------------------- */

/* The loop ends: the driver leaves, and openvpn with it. */
static void leaves(void)
{
	int64_t begun = clock_steady_ms();

	driver_run(&d);
	assert_true(clock_steady_ms() < begun + WAIT_MS);
	assert_true(event_base_got_break(d.base));
}

static void test_it_leaves_with_the_gate(void **state)
{
	(void)state;
	assert_int_equal(shutdown(gate, SHUT_WR), 0);
	leaves();
	assert_int_equal(request().verb, VERB_READY);
	asked_for(0);
}

static void test_it_leaves_a_gate_that_reads_nothing(void **state)
{
	int size = 0;

	(void)state;
	hello();
	assert_int_equal(setsockopt(WIRE_FD_CHANNEL, SOL_SOCKET, SO_SNDBUF, &size, sizeof size), 0);
	for (int i = 0; i < 1000 && !event_base_got_break(d.base); i++)
		gate_channel_send(d.channel, VERB_COUNT, NULL, NULL);
	assert_true(event_base_got_break(d.base));
}

static void test_another_build_is_refused(void **state)
{
	struct wire_note_message message = note_of(NOTE_HELLO, GATE_LOCKED, "");

	memset(message.hello.gate_version, 'x', sizeof message.hello.gate_version);
	assert_int_equal(write(gate, &message, sizeof message), sizeof message);
	leaves();
	teardown(state);
	setup(state);
	message.version = WIRE_VERSION + 1;
	assert_int_equal(write(gate, &message, sizeof message.version), sizeof message.version);
	leaves(); /* without the rest */
	assert_false(d.greeted);
}

static void test_a_note_in_pieces(void **state)
{
	struct wire_note_message message = note_of(NOTE_HELLO, GATE_LOCKED, "whole");
	const char *bytes = (const char *)&message;

	(void)state;
	strcpy(message.hello.gate_version, PORTCULLIS_VERSION);
	memset(message.hello.interface, 'i', sizeof message.hello.interface); /* no end */
	memset(message.hello.username, 'u', sizeof message.hello.username);
	memset(message.hello.profile_name, 'p', sizeof message.hello.profile_name);
	memset(message.text, 't', sizeof message.text);
	assert_int_equal(write(gate, bytes, 3), 3);
	pump();
	assert_int_equal(write(gate, bytes + 3, 100), 100);
	pump();
	assert_false(d.greeted);
	assert_int_equal(write(gate, bytes + 103, sizeof message - 103), sizeof message - 103);
	pump();
	assert_true(d.greeted);
	assert_int_equal(strlen(d.hello.interface), sizeof d.hello.interface - 1);
	assert_int_equal(strlen(d.hello.username), sizeof d.hello.username - 1);
	assert_int_equal(strlen(d.hello.profile_name), sizeof d.hello.profile_name - 1);
	assert_int_equal(strlen(d.gate_text), sizeof d.gate_text - 1);
}

/* --- the vetting child ------------------------------------------------------------------ */

/* What it prints on `where`; its exit code. */
static int vet(const char *text, int where, char *to, size_t size)
{
	int in = file_with(text), outs[3] = {-1, file_with(""), file_with("")}, kept[3], code;
	ssize_t got;

	for (int i = 0; i < 3; i++)
		kept[i] = fcntl(i, F_DUPFD_CLOEXEC, HIGH);
	assert_int_equal(lseek(in, 0, SEEK_SET), 0);
	dup2(in, 0);
	dup2(outs[1], 1);
	dup2(outs[2], 2);
	code = vet_main("a.ovpn");
	for (int i = 0; i < 3; i++) {
		dup2(kept[i], i);
		close(kept[i]);
	}
	got = pread(outs[where], to, size - 1, 0);
	to[got > 0 ? got : 0] = '\0';
	close(in);
	close(outs[1]);
	close(outs[2]);
	return code;
}

static void test_the_vetting_child(void **state)
{
	static const char good[] = "client\nremote 192.0.2.1 1194\ndev tun\n";
	char text[LINE];

	(void)state;
	assert_int_equal(vet("up /bin/sh\n", 2, text, sizeof text), 1);
	assert_non_null(strstr(text, "a.ovpn"));
	assert_int_equal(text[strlen(text) - 1], '\n');
	assert_int_equal(vet("up /bin/sh\n", 1, text, sizeof text), 1);
	assert_string_equal(text, "");
	if (vet(good, 2, text, sizeof text) != 0)
		fail_msg("%s", text);
	assert_int_equal(vet(good, 1, text, sizeof text), 0);
	assert_int_equal(strncmp(text, "remote 192.0.2.1 1194 udp", 25), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_what_status_shows),
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
	    TEST(test_counts_are_asked_for),
	    TEST(test_one_who_watches_is_told),
	    TEST(test_it_leaves_with_the_gate),
	    TEST(test_it_leaves_a_gate_that_reads_nothing),
	    TEST(test_another_build_is_refused),
	    TEST(test_a_note_in_pieces),
	    TEST(test_the_vetting_child),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
