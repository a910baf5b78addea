/* Lines and the login: over-long, NUL, line ends, the prompt without an end, a peer that is no daemon. */
#include "mgmt_listing.h"

#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#define GREETING ">INFO:OpenVPN Management Interface Version 5 -- type 'help' for more info\r\n"
#define GREETED "INFO 5 |OpenVPN Management Interface Version 5 -- type 'help' for more info\n"

static struct ovm_session *begin(struct listing *listing)
{
	struct ovm_session *session;

	*listing = (struct listing){0};
	list(listing, "%s", "");
	session = ovm_new(list_event, listing);
	assert_non_null(session);
	return session;
}

static void end(struct ovm_session *session, struct listing *listing)
{
	ovm_free(session);
	free(listing->text);
}

static void forget(struct listing *listing)
{
	listing->used = 0;
	listing->text[0] = '\0';
}

static int say(struct ovm_session *session, const char *bytes)
{
	return ovm_feed(session, bytes, strlen(bytes));
}

static void say_many(struct ovm_session *session, char c, size_t count, size_t piece)
{
	char *bytes = malloc(count);

	assert_non_null(bytes);
	memset(bytes, c, count);
	for (size_t at = 0; at < count; at += piece)
		assert_int_equal(ovm_feed(session, bytes + at, count - at < piece ? count - at : piece), 0);
	free(bytes);
}

static const char *const pid[] = {"pid", NULL};
static const char *const log_all[] = {"log", "all", NULL};

static void test_overlong_line(void **state)
{
	static const size_t pieces[] = {1, 4096, 1000000};
	static const char start[] = ">LOG:1,,";

	(void)state;
	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		struct listing listing;
		struct ovm_session *session = begin(&listing);
		size_t fits = OVM_LINE_MAX - strlen(start);

		assert_int_equal(say(session, GREETING), 0);
		forget(&listing);
		say(session, start);
		say_many(session, 'x', fits, pieces[i]);
		say(session, "\n");
		assert_int_equal(listing.count[OVM_LOG], 1);
		say(session, start);
		say_many(session, 'x', fits + 1, pieces[i]);
		assert_int_equal(listing.count[OVM_OVERLONG], 1);
		say_many(session, 'y', 300000, pieces[i]);
		say(session, "\r\n>UPDOWN:UP\r\n");
		assert_int_equal(listing.count[OVM_OVERLONG], 1);
		assert_int_equal(listing.count[OVM_LOG], 1);
		assert_int_equal(listing.count[OVM_UPDOWN], 1);
		end(session, &listing);
	}
}

/* The command is answered although the text is lost; a list goes on. */
static void test_overlong_reply(void **state)
{
	struct listing listing;
	struct ovm_session *session = begin(&listing);

	(void)state;
	assert_int_equal(say(session, GREETING), 0);
	forget(&listing);
	assert_int_equal(ovm_command(session, pid), 0);
	assert_int_equal(ovm_command(session, log_all), 0);
	say(session, "ERROR: ");
	say_many(session, 'x', 20000, 512);
	say(session, "\r\n1,,a\r\n2,,");
	say_many(session, 'x', 20000, 512);
	say(session, "\r\n3,,c\r\nEND\r\n");
	assert_string_equal(listing.text, "OVERLONG 16385\nREPLY failed (pid)\nREPLY_LINE (log all) |1,,a\n"
					  "OVERLONG 16385\nREPLY_LINE (log all) |3,,c\nREPLY ok (log all)\n");
	assert_int_equal(ovm_outstanding(session), 0);
	end(session, &listing);
}

static void test_bytes_in_lines(void **state)
{
	static const char bytes[] = ">LOG:1,I,a\0b\xff\x01\r\n>LOG:1,I,lf\n>LOG:1,I,cr\rin\r\r\n\0\r\n";
	struct listing listing;
	struct ovm_session *session = begin(&listing);

	(void)state;
	assert_int_equal(say(session, GREETING), 0);
	forget(&listing);
	assert_int_equal(ovm_feed(session, bytes, sizeof(bytes) - 1), 0);
	assert_string_equal(listing.text,
			    "LOG 1 |I |a?b\\xff\\x01\nLOG 1 |I |lf\nLOG 1 |I |cr\\x0din\\x0d\nNOISE |?\n");
	forget(&listing);
	assert_int_equal(say(session, ">FATAL:never a line without its end"), 0);
	assert_string_equal(listing.text, "");
	assert_int_equal(ovm_feed(session, NULL, 0), 0);
	end(session, &listing);
}

static void test_login(void **state)
{
	struct listing listing;
	struct ovm_session *session = begin(&listing);
	size_t length;
	const char *pending;

	(void)state;
	assert_int_equal(say(session, "ENTER PASSWORD"), 0);
	assert_string_equal(listing.text, "");
	assert_int_equal(say(session, ":"), 0);
	assert_string_equal(listing.text, "PASSWORD_PROMPT\n");
	assert_int_equal(ovm_login(session, "a\nb"), -1);
	assert_int_equal(ovm_login(session, "wrong"), 0);
	assert_int_equal(say(session, "ENTER PASSWORD:"), 0);
	assert_int_equal(ovm_login(session, "\"right\\"), 0);
	assert_int_equal(ovm_command(session, pid), 0);
	pending = ovm_pending(session, &length);
	assert_int_equal(length, strlen("wrong\n\"right\\\npid\n"));
	assert_memory_equal(pending, "wrong\n\"right\\\npid\n", length);
	assert_int_equal(say(session, "SUCCESS: password is correct\r\n" GREETING "SUCCESS: pid=1\r\n"), 0);
	assert_string_equal(listing.text,
			    "PASSWORD_PROMPT\nREPLY failed (login)\nPASSWORD_PROMPT\n"
			    "REPLY ok (login) |password is correct\n" GREETED "REPLY ok (pid) |pid=1\n");
	/* later the words are only somebody's text */
	forget(&listing);
	assert_int_equal(ovm_command(session, log_all), 0);
	assert_int_equal(say(session, "ENTER PASSWORD:\r\nEND\r\n"), 0);
	assert_string_equal(listing.text, "REPLY_LINE (log all) |ENTER PASSWORD:\nREPLY ok (log all)\n");
	end(session, &listing);
}

/* Commands may be sent before the daemon has said anything. */
static void test_before_the_greeting(void **state)
{
	struct listing listing;
	struct ovm_session *session = begin(&listing);

	(void)state;
	assert_int_equal(ovm_command(session, pid), 0);
	assert_int_equal(say(session, GREETING "SUCCESS: pid=1\r\n"), 0);
	assert_string_equal(listing.text, GREETED "REPLY ok (pid) |pid=1\n");
	end(session, &listing);
}

static void test_not_a_daemon(void **state)
{
	static const char *const openings[] = {"SSH-2.0-OpenSSH_9.2\r\n", "\r\n", "SUCCESS: pid=1\r\n",
					       "ENTER PASSWORD \r\n"};

	(void)state;
	for (size_t i = 0; i < sizeof(openings) / sizeof(openings[0]); i++) {
		struct listing listing;
		struct ovm_session *session = begin(&listing);

		assert_int_equal(say(session, openings[i]), -1);
		assert_int_equal(say(session, GREETING), -1);
		assert_int_equal(ovm_command(session, pid), -1);
		assert_string_equal(listing.text, "");
		end(session, &listing);
	}
}

/* The event function may send; the reply finds its command. */
static void answer(const struct ovm_event *event, void *argument)
{
	static const char *const release[] = {"hold", "release", NULL};
	struct ovm_session **session = argument;

	if (event->kind == OVM_HOLD)
		assert_int_equal(ovm_command(*session, release), 0);
	if (event->kind == OVM_REPLY) {
		assert_string_equal(event->command, "hold release");
		assert_int_equal(ovm_command(*session, pid), 0);
		assert_string_equal(event->command, "hold release");
		assert_string_equal(event->field[0], "done");
	}
}

static void test_sending_from_an_event(void **state)
{
	struct ovm_session *session = ovm_new(answer, &session);
	size_t length;
	const char *pending;

	(void)state;
	assert_non_null(session);
	assert_int_equal(say(session, GREETING ">HOLD:Waiting for hold release:0\r\nSUCCESS: done\r\n"), 0);
	pending = ovm_pending(session, &length);
	assert_int_equal(length, strlen("hold release\npid\n"));
	assert_memory_equal(pending, "hold release\npid\n", length);
	ovm_free(session);
	ovm_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_overlong_line),         cmocka_unit_test(test_overlong_reply),
	    cmocka_unit_test(test_bytes_in_lines),        cmocka_unit_test(test_login),
	    cmocka_unit_test(test_before_the_greeting),   cmocka_unit_test(test_not_a_daemon),
	    cmocka_unit_test(test_sending_from_an_event),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
