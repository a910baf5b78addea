/* What the driver is told by the gate: each field of each notice; and one that reads nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gate/channel.h"
#include "gate/gate.h"
#include "ways.h"

static struct gate gate;
static int peer;
static bool sends; /* else the driver reads nothing */

void ways_look(struct gate *it)
{
	assert_ptr_equal(it, &gate);
	say("ways_look");
	it->ways.now.link = 5;
}

enum wire_gate gate_shown(const struct gate *it)
{
	assert_ptr_equal(it, &gate);
	return GATE_DIALLING;
}

bool names_can_ask(const struct gate *it)
{
	return it->config.resolver.family != NET_NONE;
}

void log_line(enum log_level level, const char *room, const char *format, ...)
{
	(void)level, (void)room;
	say("log %s", format);
}

ssize_t send(int fd, const void *from, size_t size, int flags)
{
	assert_int_equal(flags, MSG_DONTWAIT | MSG_NOSIGNAL);
	return sends ? write(fd, from, size) : (ssize_t)size - 1;
}

static int setup(void **state)
{
	int pair[2];

	(void)state;
	journal[0] = '\0';
	sends = true;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
	memset(&gate, 0, sizeof gate);
	peer = pair[0];
	gate.driver.channel = pair[1];
	gate.driver.pid = 1001;
	gate.state = (struct gate_state){DESIRED_UP, ACTUAL_DIALLING};
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	close(gate.driver.channel);
	close(peer);
	return 0;
}

static struct wire_note_message told(void)
{
	struct wire_note_message message;

	assert_int_equal(read(peer, &message, sizeof message), sizeof message);
	assert_int_equal(message.version, WIRE_VERSION);
	assert_int_equal(message.gate, GATE_DIALLING);
	return message;
}

static struct wire_note_message notify(enum wire_note note)
{
	channel_notify(&gate, note, "text");
	return told();
}

static void test_each_field(void **state)
{
	struct wire_note_message message;

	(void)state;
	gate.attempt.pid = 1002;
	gate.pause_until = 77;
	gate.blocked = 1ULL << 40;
	strcpy(gate.redirect, "it bypasses");
	strcpy(gate.config.profile, "/etc/a.ovpn");
	gate.ways.now.link = 7;
	gate.ways.slept = 9000;
	message = notify(NOTE_GATE);
	assert_int_equal(message.note, NOTE_GATE);
	assert_int_equal(message.way.link, 7);
	assert_int_equal(message.slept, 9000);
	assert_int_equal(message.intent, INTENT_UP);
	assert_int_equal(message.pid, 1002);
	assert_int_equal(message.leaving, 0);
	assert_true(message.until == 77 && message.blocked == 1ULL << 40);
	assert_string_equal(message.text, "text");
	assert_string_equal(message.notice, "it bypasses");
	assert_string_equal(message.hello.profile_name, ""); /* only a hello says more */
	strcpy(gate.refused, "a change is not in use");
	assert_string_equal(notify(NOTE_GATE).notice, "a change is not in use");
	strcpy(gate.unconfirmed, "NOT CONFIRMED");
	assert_string_equal(notify(NOTE_GATE).notice, "NOT CONFIRMED");
	strcpy(gate.notice, "another name");
	assert_string_equal(notify(NOTE_GATE).notice, "another name");
}

static void test_the_hello(void **state)
{
	struct wire_hello hello;

	(void)state;
	strcpy(gate.config.profile, "/etc/a.ovpn");
	strcpy(gate.config.interface, "tun7");
	strcpy(gate.config.username, "somebody");
	gate.config.control_gid = 905;
	gate.config.log_level = LOG_DEBUG;
	gate.config.log_size = 1ULL << 33;
	gate.boot_locked_at = 1LL << 34;
	assert_int_equal(notify(NOTE_HELLO).way.link, 5); /* it is looked at anew */
	hello = notify(NOTE_HELLO).hello;
	assert_string_equal(hello.gate_version, PORTCULLIS_VERSION);
	assert_string_equal(hello.profile_name, "/etc/a.ovpn");
	assert_string_equal(hello.interface, "tun7");
	assert_string_equal(hello.username, "somebody");
	assert_int_equal(hello.control_gid, 905);
	assert_int_equal(hello.totp_use, TOTP_NONE); /* without a file it goes nowhere */
	gate.config.totp_use = TOTP_PASSWORD_SUFFIX;
	assert_int_equal(notify(NOTE_HELLO).hello.totp_use, TOTP_NONE);
	strcpy(gate.config.totp_file, "/etc/totp");
	assert_int_equal(notify(NOTE_HELLO).hello.totp_use, TOTP_PASSWORD_SUFFIX);
	assert_int_equal(hello.log_level, LOG_DEBUG);
	assert_true(hello.log_size == 1ULL << 33 && hello.boot_locked_at == 1LL << 34);
}

/* What is wanted, and whether openvpn is ended already: in each state. */
static void test_each_state(void **state)
{
	(void)state;
	for (int actual = 0; actual < GATE_ACTUAL; actual++) {
		bool runs = actual == ACTUAL_DIALLING || actual == ACTUAL_OPEN;

		gate.state.actual = actual;
		gate.attempt.pid = 1002;
		assert_int_equal(notify(NOTE_GATE).leaving, !runs);
		gate.attempt.pid = 0;
		assert_int_equal(notify(NOTE_GATE).leaving, 0);
		assert_int_equal(notify(NOTE_GATE).intent,
				 gate_may_dial(gate.state) ? INTENT_UP : INTENT_DOWN);
	}
	gate.state = (struct gate_state){DESIRED_UP, ACTUAL_LOCKED};
	channel_reconnect(&gate, "reconnect, by root's command");
	assert_int_equal(told().intent, INTENT_RECONNECT);
	gate.state.desired = DESIRED_DOWN;
	channel_reconnect(&gate, "reconnect, by root's command");
	assert_int_equal(told().intent, INTENT_DOWN);
}

/* A person's answer is in its own note only. */
static void test_an_answer(void **state)
{
	struct wire_note_message message;

	(void)state;
	channel_answer(&gate, "123456");
	message = told();
	assert_int_equal(message.note, NOTE_ANSWER);
	assert_int_equal(message.intent, INTENT_UP);
	assert_string_equal(message.answer, "123456");
	assert_string_equal(message.text, "");
	assert_string_equal(notify(NOTE_GATE).answer, "");
}

static void test_one_that_reads_nothing(void **state)
{
	char byte;

	(void)state;
	channel_notify(&gate, NOTE_GATE, "");
	assert_string_equal(journal, "");
	(void)told();
	sends = false;
	channel_notify(&gate, NOTE_GATE, "");
	assert_string_equal(journal, "log the driver accepts no messages: it is ended\n");
	assert_int_equal(read(peer, &byte, 1), 0);                /* both ways */
	assert_int_equal(read(gate.driver.channel, &byte, 1), 0); /* so that the loop sees it */
}

static void test_nobody_is_told_nothing(void **state)
{
	char byte;

	(void)state;
	gate.driver.pid = 0;
	channel_notify(&gate, NOTE_GATE, "");
	assert_int_equal(read(peer, &byte, 1), -1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {TEST(test_each_field),
					   TEST(test_the_hello),
					   TEST(test_each_state),
					   TEST(test_an_answer),
					   TEST(test_one_that_reads_nothing),
					   TEST(test_nobody_is_told_nothing)};

	return cmocka_run_group_tests_name("channel", tests, NULL, NULL);
}
