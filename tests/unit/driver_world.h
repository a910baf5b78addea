/* The whole driver between a gate, an openvpn and a client that the test plays. */
#ifndef TESTS_UNIT_DRIVER_WORLD_H
#define TESTS_UNIT_DRIVER_WORLD_H

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "between.h"
#include "driver/driver.h"
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

static inline void put(int fd, int wanted)
{
	assert_true(fd != -1);
	assert_int_equal(dup2(fd, wanted), wanted);
	close(fd);
}

/* Above the descriptors that the wire names. */
static inline int high(int fd)
{
	int other = fcntl(fd, F_DUPFD_CLOEXEC, HIGH);

	assert_true(other != -1);
	close(fd);
	return other;
}

static inline int file_with(const char *text)
{
	int fd = memfd_create("test", MFD_CLOEXEC);

	assert_true(fd != -1);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	return high(fd);
}

static inline int listen_at(struct sockaddr_un *at, socklen_t *length)
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

static inline int start_with(const char *text)
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

static inline int setup(void **state)
{
	(void)state;
	return start_with(profile);
}

static inline int teardown(void **state)
{
	(void)state;
	driver_close(&d);
	close(gate);
	if (openvpn != -1)
		close(openvpn);
	log_open(STDERR_FILENO, LOG_ERROR);
	return 0;
}

static inline void pump(void)
{
	for (int i = 0; i < 6; i++)
		event_base_loop(d.base, EVLOOP_NONBLOCK);
}

/* --- the gate ---------------------------------------------------------------- */

/* It wants a tunnel where it may dial. */
static inline struct wire_note_message note_of(enum wire_note note, enum wire_gate state, const char *text)
{
	bool dials = state != GATE_PAUSED && state != GATE_OFF && state != GATE_UNPROTECTED;
	struct wire_note_message message = {
	    .version = WIRE_VERSION, .note = note, .gate = state, .intent = dials ? INTENT_UP : INTENT_DOWN};

	snprintf(message.text, sizeof message.text, "%s", text);
	return message;
}

static inline void tell(struct wire_note_message message)
{
	assert_int_equal(write(gate, &message, sizeof message), sizeof message);
	pump();
}

static inline void note(enum wire_note kind, enum wire_gate state, const char *text)
{
	tell(note_of(kind, state, text));
}

/* The next request; its verb is 0 if there is none. */
static inline struct wire_request request(void)
{
	struct wire_request got = {.verb = 0};
	ssize_t size = recv(gate, &got, sizeof got, MSG_DONTWAIT);

	assert_true(size == (ssize_t)sizeof got || (size == -1 && errno == EAGAIN));
	assert_true(size == -1 || got.version == WIRE_VERSION);
	return got;
}

static inline void asked_for(uint32_t verb)
{
	assert_int_equal(request().verb, verb);
	assert_int_equal(verb == 0 ? 0 : request().verb, 0); /* and for nothing else */
}

static inline void hello(void)
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

static inline int connect_to(const struct sockaddr_un *at, socklen_t length)
{
	int fd = high(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));

	assert_int_equal(connect(fd, (const struct sockaddr *)at, length), 0);
	pump();
	return fd;
}

static inline void says(const char *line)
{
	assert_int_equal(write(openvpn, line, strlen(line)), strlen(line));
	assert_int_equal(write(openvpn, "\r\n", 2), 2);
	pump();
}

static inline const char *heard(int fd)
{
	static char text[LINE];
	ssize_t got = recv(fd, text, sizeof text - 1, MSG_DONTWAIT);

	text[got > 0 ? got : 0] = '\0';
	return text;
}

static inline bool is_closed(int fd)
{
	char byte;

	return recv(fd, &byte, 1, MSG_DONTWAIT) == 0;
}

static inline void dial(void)
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

static inline void started(int32_t pid)
{
	struct wire_note_message message = note_of(NOTE_DIALLING, GATE_DIALLING, "");

	message.pid = pid;
	tell(message);
}

static inline void connected(void)
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

static inline void opened(void)
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
static inline const char *shown(const char *key, const char *inner)
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

static inline void shows(const char *gate_word, const char *tunnel_word, const char *reason)
{
	char with_marks[DRIVER_REASON];

	snprintf(with_marks, sizeof with_marks, "\"%s\"", gate_word);
	assert_string_equal(shown("gate", NULL), with_marks);
	snprintf(with_marks, sizeof with_marks, "\"%s\"", tunnel_word);
	assert_string_equal(shown("tunnel", NULL), with_marks);
	if (strstr(shown("reason", NULL), reason) == NULL)
		fail_msg("\"%s\" is not in %s", reason, shown("reason", NULL));
}

static inline void until(enum tunnel_state wanted, int64_t least, int64_t most)
{
	int64_t begun = clock_steady_ms(), took;

	while (d.tunnel.state != wanted && clock_steady_ms() < begun + WAIT_MS)
		event_base_loop(d.base, EVLOOP_ONCE);
	took = clock_steady_ms() - begun;
	assert_int_equal(d.tunnel.state, wanted);
	assert_between(took, least, most);
}

#endif
