/* A status object as words and as an exit code. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "ctl/ctl.h"
#include "ctl/show.h"

#define OPEN                                                                                                 \
	"{\"version\":\"0.1.0\",\"gate\":\"open\",\"tunnel\":\"connected\",\"reason\":\"\","                 \
	"\"since\":\"2026-11-23T11:22:33Z\",\"profile\":\"/etc/p/home.ovpn\","                               \
	"\"remote\":{\"host\":\"vpn.example\",\"address\":\"198.51.100.7\",\"port\":1194,\"proto\":\"udp\"}" \
	","                                                                                                  \
	"\"interface\":\"tun0\",\"addresses\":[\"10.8.0.2\",\"fd00::2\"],\"dns\":[\"10.8.0.1\"],"            \
	"\"bytes\":{\"in\":1572864,\"out\":1000},\"blocked\":{\"packets\":12},\"attempt\":3,"                \
	"\"retry_in\":null,\"boot_locked_at\":\"2026-11-23T11:00:00Z\","                                     \
	"\"question\":null,\"url\":null}"

static char text[SHOW_SIZE];

static json_t *object(const char *from)
{
	json_t *o = json_loads(from, 0, NULL);

	assert_non_null(o);
	return o;
}

static void full(const char *from, bool colour)
{
	json_t *o = object(from);

	show_full(o, colour, text, sizeof text);
	json_decref(o);
}

static void every_gate_has_its_exit_code(void **state)
{
	static const struct {
		const char *gate;
		int code;
	} want[] = {{"\"open\"", 0},        {"\"locked\"", 3}, {"\"dialling\"", 3}, {"\"paused\"", 5},
		    {"\"off\"", 5},         {"null", 1},       {"\"ajar\"", 1},     {"7", 1},
		    {"\"unprotected\"", 6}, {"\"\"", 1}};

	(void)state;
	for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
		char from[64];
		json_t *o;

		snprintf(from, sizeof from, "{\"gate\":%s}", want[i].gate);
		o = object(from);
		assert_int_equal(show_exit(o), want[i].code);
		json_decref(o);
	}
}

static void a_whole_status(void **state)
{
	(void)state;
	full(OPEN, false);
	assert_string_equal(text, "gate       open: traffic leaves through the tunnel only\n"
				  "tunnel     connected\n"
				  "since      2026-11-23T11:22:33Z\n"
				  "profile    /etc/p/home.ovpn\n"
				  "remote     vpn.example (198.51.100.7:1194/udp)\n"
				  "interface  tun0\n"
				  "addresses  10.8.0.2, fd00::2\n"
				  "dns        10.8.0.1\n"
				  "traffic    1.5 MiB in, 1000 B out\n"
				  "stopped    12 packets\n"
				  "boot lock  2026-11-23T11:00:00Z\n");
}

static void colour_only_where_asked(void **state)
{
	(void)state;
	full("{\"gate\":\"unprotected\"}", true);
	assert_string_equal(
	    text, "gate       \033[31;1munprotected\033[0m: NOT PROTECTED: the lock can't be put in "
		  "place\n");
	full("{\"gate\":\"unprotected\"}", false);
	assert_null(strchr(text, '\033'));
}

static void waiting_shows_the_next_try(void **state)
{
	(void)state;
	full("{\"gate\":\"locked\",\"tunnel\":\"waiting\",\"attempt\":4,\"retry_in\":3.5,"
	     "\"remote\":{\"host\":\"2001:db8::1\",\"address\":\"2001:db8::1\",\"port\":443,\"proto\":"
	     "\"tcp\"}}",
	     false);
	assert_string_equal(text, "gate       locked: shut; nothing leaves this machine\ntunnel     waiting\n"
				  "remote     [2001:db8::1]:443/tcp\n"
				  "attempt    4\nnext try   in 3.5 s\n");
}

static void an_unknown_remote_is_left_out(void **state)
{
	(void)state;
	full("{\"gate\":\"off\",\"remote\":{\"host\":null,\"address\":null,\"port\":null,\"proto\":null}}",
	     false);
	assert_null(strstr(text, "remote"));
}

static void wrong_types_and_hostile_bytes(void **state)
{
	(void)state;
	full(
	    "{\"gate\":7,\"tunnel\":[],\"reason\":\"\\u001b[2J\\u0007x\",\"remote\":3,\"addresses\":[1,null],"
	    "\"bytes\":{\"in\":\"a\"},\"blocked\":4,\"dns\":\"x\"}",
	    true);
	assert_string_equal(text, "gate       unknown\nreason     \\x1b[2J\\x07x\naddresses  ?, ?\n");
	full("{\"gate\":\"op\\u001ben\"}", true);
	assert_string_equal(text, "gate       op\\x1ben\n");
}

static void never_past_the_end(void **state)
{
	json_t *o = object(OPEN);
	char small[40];

	(void)state;
	for (size_t size = 1; size <= sizeof small; size++) {
		memset(small, 'x', sizeof small);
		show_full(o, true, small, size);
		assert_true(strlen(small) < size);
		show_line(o, true, small, size);
		assert_true(strlen(small) < size);
	}
	json_decref(o);
}

static void one_line(void **state)
{
	json_t *o = object(OPEN);

	(void)state;
	show_line(o, false, text, sizeof text);
	assert_string_equal(text,
			    "2026-11-23T11:22:33Z  open  connected  vpn.example (198.51.100.7:1194/udp)\n");
	json_decref(o);
	o = object("{\"gate\":\"locked\",\"reason\":\"auth failed\"}");
	show_line(o, false, text, sizeof text);
	assert_string_equal(text, "-  locked  -  auth failed\n");
	json_decref(o);
}

/* The same shape as ever, so that remote.host can be asked for; every value null. */
static bool is_nothing(const json_t *value)
{
	const char *key;
	json_t *inner;

	if (!json_is_object(value))
		return json_is_null(value);
	json_object_foreach((json_t *)(uintptr_t)value, key, inner)
	{
		if (!json_is_null(inner))
			return false;
	}
	return true;
}

static void what_a_person_is_asked(void **state)
{
	static const char asked[] =
	    "{\"gate\":\"locked\",\"question\":\"the \\u001b[1mcode\",\"url\":\"https://a\"}";
	json_t *o = object(asked);

	(void)state;
	full(asked, false);
	assert_non_null(strstr(text, "\nquestion   the \\x1b[1mcode\nopen       https://a\n"));
	show_line(o, false, text, sizeof text);
	assert_string_equal(text, "-  locked  -  question: the \\x1b[1mcode  open: https://a\n");
	json_decref(o);
}

static void nothing_has_every_key(void **state)
{
	json_t *nothing = show_nothing(NULL), *full = object(OPEN), *value;
	const char *key;

	(void)state;
	assert_int_equal(json_object_size(nothing), json_object_size(full));
	json_object_foreach(full, key, value)
	{
		const json_t *here = json_object_get(nothing, key);

		assert_true(is_nothing(here));
		assert_int_equal(json_object_size(here), json_object_size(value));
	}
	json_decref(nothing);
	nothing = show_nothing("why");
	assert_string_equal(json_string_value(json_object_get(nothing, "reason")), "why");
	json_decref(nothing);
	json_decref(full);
}

static void log_lines_can_not_steer_the_terminal(void **state)
{
	(void)state;
	show_log("a\\b \x1b[2J\xff", text, sizeof text);
	assert_string_equal(text, "a\\x5cb \\x1b[2J\\xff");
	/* What portcullisd has escaped is shown as it stands; so is what is only not ASCII. */
	show_log("a\\x1b[2J gr\xc3\xbc\xc3\x9f", text, sizeof text);
	assert_string_equal(text, "a\\x1b[2J gr\xc3\xbc\xc3\x9f");
	show_log("a\xc2\x9b"
		 "31m\xe2\x80\xae",
		 text, sizeof text);
	assert_string_equal(text, "a\\xc2\\x9b31m\\xe2\\x80\\xae");
	show_log("abcdef", text, 4);
	assert_string_equal(text, "abc");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_gate_has_its_exit_code),
	    cmocka_unit_test(a_whole_status),
	    cmocka_unit_test(colour_only_where_asked),
	    cmocka_unit_test(waiting_shows_the_next_try),
	    cmocka_unit_test(an_unknown_remote_is_left_out),
	    cmocka_unit_test(wrong_types_and_hostile_bytes),
	    cmocka_unit_test(never_past_the_end),
	    cmocka_unit_test(one_line),
	    cmocka_unit_test(nothing_has_every_key),
	    cmocka_unit_test(what_a_person_is_asked),
	    cmocka_unit_test(log_lines_can_not_steer_the_terminal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
