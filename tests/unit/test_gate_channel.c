/* The driver's end of the channel: notes whole and in pieces, another build's, and a gate that has gone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <dlfcn.h>
#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "driver/gate_channel.h"
#include "leaks.h"
#include "no_memory.h"
#include "ways.h"

static struct gate_channel *channel;
static int gate, ours;
static char base_here, readable;
static event_callback_fn callback;
static void *callback_argument;

struct event *event_new(struct event_base *base, evutil_socket_t fd, short what, event_callback_fn cb,
			void *argument)
{
	assert_true(base == (struct event_base *)&base_here && fd == ours && what == (EV_READ | EV_PERSIST));
	callback = cb;
	callback_argument = argument;
	return fails("event_new") ? NULL : (struct event *)&readable;
}

int event_add(struct event *event, const struct timeval *timeout)
{
	assert_true(event == (struct event *)&readable && timeout == NULL);
	return fails("event_add") ? -1 : 0;
}

void event_free(struct event *event)
{
	assert_true(event == (struct event *)&readable);
	say("event_free");
}

int evutil_make_socket_nonblocking(evutil_socket_t fd)
{
	assert_int_equal(fd, ours);
	say("nonblocking");
	return fails("nonblocking") ? -1 : 0;
}

ssize_t read(int fd, void *to, size_t size)
{
	errno = is("!read-broken")        ? ECONNRESET
		: is("!read-interrupted") ? EINTR
					  : EAGAIN; /* of an earlier call, too */
	return fails("read-again") || fails("read-interrupted") || fails("read-broken")
		   ? -1
		   : syscall(SYS_recvfrom, fd, to, size, MSG_DONTWAIT, NULL, NULL);
}

static void on_note(const struct wire_note_message *note, void *argument)
{
	assert_ptr_equal(argument, &base_here);
	say("note %u \"%s\" \"%.20s\" %zu %zu %zu", note->note, note->text, note->hello.interface,
	    strlen(note->hello.profile_name), strlen(note->hello.interface), strlen(note->hello.username));
}

static void on_end(const char *why, void *argument)
{
	assert_ptr_equal(argument, &base_here);
	say("end: %s", why);
}

static void begin(const char *words)
{
	const struct gate_channel_events events = {on_note, on_end, &base_here};
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	gate = pair[0];
	ours = pair[1];
	journal[0] = failed[0] = '\0';
	so = words;
	channel = gate_channel_new((struct event_base *)&base_here, ours, &events);
}

static void end(void)
{
	so = "";
	gate_channel_free(channel);
	close(gate);
	close(ours);
}

static void comes(const char *expected)
{
	journal[0] = '\0';
	callback(ours, EV_READ, callback_argument);
	assert_string_equal(journal, expected);
}

static void send_bytes(const void *bytes, size_t size)
{
	assert_int_equal(write(gate, bytes, size), size);
}

static struct wire_note_message note_of(uint32_t note)
{
	struct wire_note_message message = {.version = WIRE_VERSION, .note = note};

	strcpy(message.text, "text");
	strcpy(message.hello.gate_version, PORTCULLIS_VERSION);
	strcpy(message.hello.interface, "tun7");
	return message;
}

static void test_notes(void **state)
{
	struct wire_note_message message = note_of(NOTE_GATE);
	const char *bytes = (const char *)&message;

	(void)state;
	begin("");
	assert_string_equal(journal, "nonblocking\n");
	send_bytes(bytes, sizeof message);
	comes("note 3 \"text\" \"tun7\" 0 4 0\n");
	send_bytes(bytes, 5); /* in pieces */
	comes("");
	send_bytes(bytes + 5, sizeof message - 6);
	comes("");
	send_bytes(bytes + sizeof message - 1, 1);
	comes("note 3 \"text\" \"tun7\" 0 4 0\n");
	strcpy(message.hello.gate_version, "0.0.1"); /* which counts in a hello only */
	send_bytes(bytes, sizeof message);
	comes("note 3 \"text\" \"tun7\" 0 4 0\n");
	message.note = NOTE_HELLO;
	send_bytes(bytes, sizeof message);
	comes("end: portcullisd has another version (0.0.1) than this driver (" PORTCULLIS_VERSION
	      "); instead: install both together and restart portcullisd\n");
	message.version++;
	send_bytes(bytes, sizeof message.version);
	comes("end: portcullisd has another version (another wire's) than this driver (" PORTCULLIS_VERSION
	      "); instead: install both together and restart portcullisd\n");
	end();
}

/* Texts without an end are closed. */
static void test_open_texts(void **state)
{
	struct wire_note_message message = note_of(NOTE_HELLO);

	(void)state;
	begin("");
	memset(message.text, 't', sizeof message.text);
	memset(message.hello.profile_name, 'p', sizeof message.hello.profile_name);
	memset(message.hello.interface, 'i', sizeof message.hello.interface);
	memset(message.hello.username, 'u', sizeof message.hello.username);
	memset(message.answer, 'a', sizeof message.answer);
	send_bytes(&message, sizeof message);
	journal[0] = '\0';
	callback(ours, EV_READ, callback_argument);
	assert_non_null(strstr(journal, " 511 15 127\n"));
	assert_int_equal(strcspn(strchr(journal, '"') + 1, "\""), WIRE_TEXT - 1);
	memset(message.hello.gate_version, 'v', sizeof message.hello.gate_version);
	send_bytes(&message, sizeof message);
	journal[0] = '\0';
	callback(ours, EV_READ, callback_argument);
	assert_non_null(strstr(journal, "another version (vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv) than"));
	end();
}

static void test_its_end(void **state)
{
	struct wire_note_message message = note_of(NOTE_GATE);

	(void)state;
	begin("");
	so = "!read-again";
	comes("");
	so = "!read-interrupted";
	comes("");
	so = "!read-broken";
	comes("end: the gate has closed its channel\n");
	so = "";
	send_bytes(&message, 8);
	comes("");
	shutdown(gate, SHUT_WR);
	comes("end: the gate has closed its channel\n");
	end();
}

static void test_requests(void **state)
{
	struct wire_tunnel tunnel = {.name = "tun7"};
	struct wire_request got;
	struct net_endpoint endpoint;
	char text[NET_ENDPOINT_TEXT];

	(void)state;
	begin("");
	journal[0] = '\0';
	net_endpoint_parse("192.0.2.1:1194/udp", &endpoint);
	gate_channel_send(channel, VERB_DIAL, &endpoint, NULL);
	assert_int_equal(recv(gate, &got, sizeof got, 0), sizeof got);
	assert_true(got.version == WIRE_VERSION && got.verb == VERB_DIAL && got.tunnel.name[0] == '\0');
	assert_string_equal(net_endpoint_text(&got.endpoint, text), "192.0.2.1:1194/udp");
	gate_channel_send(channel, VERB_OPEN, NULL, &tunnel);
	assert_int_equal(recv(gate, &got, sizeof got, 0), sizeof got);
	assert_true(got.verb == VERB_OPEN && got.endpoint.port == 0);
	assert_string_equal(got.tunnel.name, "tun7");
	assert_string_equal(journal, "");
	close(ours);
	gate_channel_send(channel, VERB_COUNT, NULL, NULL);
	assert_string_equal(journal, "end: the gate accepts no messages\n");
	end();
}

static void make(const char *words)
{
	begin(words);
	end();
}

static void test_the_making(void **state)
{
	static const char *const ways[] = {"!event_new", "!nonblocking", "!event_add"};

	(void)state;
	for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
		begin(ways[i]);
		assert_null(channel);
		assert_int_equal(strstr(journal, "event_free") != NULL, i > 0);
		end();
		assert_no_leak(ways[i], make(ways[i]));
	}
	assert_no_leak("made", make(""));
	memory_fails_at = MEMORY_CAN_FAIL ? 1 : 0;
	begin(MEMORY_CAN_FAIL ? "" : "!event_new");
	memory_fails_at = 0;
	assert_null(channel);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_notes), cmocka_unit_test(test_open_texts),
					   cmocka_unit_test(test_its_end), cmocka_unit_test(test_requests),
					   cmocka_unit_test(test_the_making)};

	return cmocka_run_group_tests_name("gate channel", tests, NULL, NULL);
}
