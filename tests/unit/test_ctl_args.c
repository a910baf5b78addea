/* The command line's options, when a wait is over, and that an error has one advice. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "ctl/client.h"
#include "ctl/cmd_admin.h"
#include "ctl/ctl.h"

enum { FOLLOW, LINES, WAIT };

static const struct ctl_option options[] = {
    [FOLLOW] = {"follow", 'f', NULL, false, "follow"},
    [LINES] = {"lines", 'n', "N", false, "lines"},
    [WAIT] = {"wait", 'w', "DURATION", true, "wait"},
};
static const struct ctl_command command = {"test", "", "", "", options, 3, NULL};

/* Walks the words and writes what it finds as text. */
static const char *walk(char **words, int count)
{
	static char found[512];
	struct ctl ctl = {.command = &command, .arguments = words, .count = count};
	const char *value;
	struct err e = {""};
	size_t used = 0;
	int what;

	found[0] = '\0';
	do {
		what = ctl_args_next(&ctl, &value, &e);
		used += (size_t)snprintf(found + used, sizeof found - used, "%d:%s ", what,
					 value != NULL ? value : "-");
	} while (what >= 0 || what == CTL_ARGS_OPERAND);
	snprintf(found + used, sizeof found - used, "%s", e.text);
	return found;
}

#define WALK(...) walk((char *[]){__VA_ARGS__}, (int)(sizeof((char *[]){__VA_ARGS__}) / sizeof(char *)))
#define W(word) ((char[]){word})

static void options_in_every_form(void **state)
{
	(void)state;
	assert_string_equal(walk(NULL, 0), "-1:- ");
	assert_string_equal(WALK(W("-f"), W("-n"), W("5")), "0:- 1:5 -1:- ");
	assert_string_equal(WALK(W("-fn5")), "0:- 1:5 -1:- ");
	assert_string_equal(WALK(W("-fn"), W("5"), W("-f")), "0:- 1:5 0:- -1:- ");
	assert_string_equal(WALK(W("--lines=7"), W("--lines"), W("8")), "1:7 1:8 -1:- ");
	assert_string_equal(WALK(W("--wait"), W("x"), W("--wait=5s")), "2:- -2:x 2:5s -1:- ");
	assert_string_equal(WALK(W("a"), W("--"), W("-f")), "-2:a -2:-f -1:- ");
	assert_string_equal(WALK(W("-")), "-2:- -1:- ");
	assert_string_equal(WALK(W("--lines="), W("--help")), "1: -4:- ");
	assert_string_equal(WALK(W("-h")), "-4:- ");
}

static void mistakes_come_with_a_hint(void **state)
{
	(void)state;
	assert_string_equal(WALK(W("--folow")),
			    "-3:- unknown option --folow; instead: did you mean --follow?");
	assert_string_equal(WALK(W("--zzzzzzzzz")),
			    "-3:- unknown option --zzzzzzzzz; instead: portcullis test --help");
	assert_string_equal(WALK(W("-x")), "-3:- unknown option -x; instead: portcullis test --help");
	assert_string_equal(WALK(W("-n")), "-3:- -n needs a value; instead: -n N");
	assert_string_equal(WALK(W("--lines")), "-3:- --lines needs a value; instead: --lines N");
	assert_string_equal(WALK(W("--follow=1")), "-3:- --follow takes no value; instead: --follow");
}

static int done(uint32_t verb, const char *gate, const char *tunnel, bool left)
{
	json_t *status = json_pack("{s:s, s:s}", "gate", gate, "tunnel", tunnel);
	int code = ctl_admin_done(verb, status, left);

	json_decref(status);
	return code;
}

static void a_wait_ends_when_it_is_done(void **state)
{
	(void)state;
	assert_int_equal(done(ADMIN_UP, "open", "connected", false), 0);
	assert_int_equal(done(ADMIN_UP, "dialling", "connecting", true), -1);
	assert_int_equal(done(ADMIN_UP, "locked", "waiting", true), -1);
	assert_int_equal(done(ADMIN_UP, "locked", "stopped", false), -1); /* from before it was asked */
	assert_int_equal(done(ADMIN_UP, "locked", "stopped", true), CTL_SHUT);
	assert_int_equal(done(ADMIN_UP, "unprotected", "down", false), CTL_UNPROTECTED);
	assert_int_equal(done(ADMIN_RECONNECT, "open", "connected", false), -1); /* still the old one */
	assert_int_equal(done(ADMIN_RECONNECT, "open", "connected", true), 0);
	assert_int_equal(done(ADMIN_DOWN, "open", "connected", false), -1);
	assert_int_equal(done(ADMIN_DOWN, "locked", "leaving", false), -1);
	assert_int_equal(done(ADMIN_DOWN, "locked", "down", false), 0);
	assert_int_equal(done(ADMIN_DOWN, "dialling", "down", false), -1);
	assert_int_equal(done(ADMIN_PAUSE, "open", "connected", true), -1);
	assert_int_equal(done(ADMIN_PAUSE, "paused", "down", true), 0);
	assert_int_equal(done(ADMIN_OFF, "unprotected", "down", true), -1); /* off helps here */
	assert_int_equal(done(ADMIN_OFF, "off", "down", true), 0);
}

static void check_advice(const char *error, const char *consequence, const char *first, const char *last,
			 const char *want)
{
	char text[200];
	struct err e;

	err_set(&e, "%s", error);
	assert_string_equal(ctl_advise(text, sizeof text, &e, consequence, first, last), want);
}

static void an_error_has_one_advice(void **state)
{
	char small[12];
	struct err e = {"a: b; instead: c"};

	(void)state;
	check_advice("a: b", "SHUT", "fix that", "run it", "a: b; SHUT; instead: fix that, then run it");
	check_advice("a: b; instead: c", "SHUT", "fix that", "run it", "a: b; SHUT; instead: c, then run it");
	check_advice("a: b", "SHUT", NULL, "run it", "a: b; SHUT; instead: run it");
	check_advice("a: b; instead: c", NULL, NULL, NULL, "a: b; instead: c");
	check_advice("a: b; instead: c", "not so", NULL, NULL, "a: b; not so; instead: c");
	check_advice("a: b", NULL, NULL, NULL, "a: b");
	check_advice("", NULL, NULL, "run it", "; instead: run it");
	assert_string_equal(ctl_advise(small, sizeof small, &e, "SHUT", NULL, "run it"), "a: b; SHUT;");
}

static void gate_sock_lies_beside(void **state)
{
	char path[16];
	struct err e = {""};

	(void)state;
	assert_int_equal(client_beside("/r/c.sock", "gate.sock", path, sizeof path, &e), 0);
	assert_string_equal(path, "/r/gate.sock");
	assert_int_equal(client_beside("c.sock", "gate.sock", path, sizeof path, &e), 0);
	assert_string_equal(path, "gate.sock");
	assert_int_equal(client_beside("/c", "gate.sock", path, sizeof path, &e), 0);
	assert_string_equal(path, "/gate.sock");
	assert_int_equal(client_beside("/longer/c", "gate.sock", path, sizeof path, &e), -1);
	assert_int_equal(client_beside("/longer-than-that/c", "gate.sock", path, sizeof path, &e), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(options_in_every_form),       cmocka_unit_test(mistakes_come_with_a_hint),
	    cmocka_unit_test(a_wait_ends_when_it_is_done), cmocka_unit_test(an_error_has_one_advice),
	    cmocka_unit_test(gate_sock_lies_beside),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
