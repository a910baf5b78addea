/* What the whole driver tells those who ask, and how long that may take; what ends it with its channel; and
 * the child that vets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <poll.h>

#include "driver/vet.h"
#include "driver_world.h"

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
	code = vet_main("a.ovpn", false);
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
