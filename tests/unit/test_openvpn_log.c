/* openvpn's own lines: which are ours to log, at which level, and which route is said to have failed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <string.h>

#include "base/log.h"
#include "driver/openvpn_log.h"
#include "ways.h"

static struct openvpn_log log_of;

void log_line(enum log_level level, const char *room, const char *format, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof text, format, ap);
	va_end(ap);
	say("%d %s: %s", (int)level, room, text);
}

bool log_wants(enum log_level level)
{
	return level <= (is("terse") ? LOG_WARN : LOG_DEBUG);
}

static int setup(void **state)
{
	(void)state;
	memset(&log_of, 0, sizeof log_of);
	journal[0] = '\0';
	so = "";
	openvpn_log_begin(&log_of);
	return 0;
}

static void test_levels(void **state)
{
	(void)state;
	openvpn_log_line(&log_of, 1000, "F", "a");
	openvpn_log_line(&log_of, 1000, "N", "b");
	openvpn_log_line(&log_of, 1000, "W", "c");
	openvpn_log_line(&log_of, 1000, "I", "d");
	openvpn_log_line(&log_of, 1000, "", "e");
	openvpn_log_line(&log_of, 1000, "I", "PUSH: Received control message: 'PUSH_REPLY,auth-token x'");
	so = "terse";
	openvpn_log_line(&log_of, 1000, "I", "f");
	assert_string_equal(journal,
			    "0 openvpn: a\n1 openvpn: b\n1 openvpn: c\n3 openvpn: d\n3 openvpn: e\n");
}

#define ADD "net_route_v4_add: 10.0.0.0/8 via 10.8.0.1"

/* The route that was begun last, and the first thing that went wrong with one. */
static void test_which_route(void **state)
{
	static const struct {
		const char *lines[3], *route, *fault;
	} ways[] = {{{"rtnl: generic error (-101)"}, "", ""},
		    {{ADD}, ADD, ""},
		    {{"xnet_route_v4_add: x", "rtnl: error"}, "", ""},
		    {{"net_route_v4_del: x", "rtnl: error"}, "", ""},
		    {{ADD, "rtnl: error (-101)", "rtnl: error (-17)"}, ADD, ADD ": rtnl: error (-101)"},
		    {{ADD, "ERROR: Linux route add command"}, ADD, ADD ": ERROR: Linux route add command"},
		    {{ADD, "route addition failed"}, ADD, ADD ": route addition failed"},
		    {{ADD, "the route is there"}, ADD, ""},
		    {{ADD, "something else failed"}, ADD, ""},
		    {{ADD, "net_route_v6_add: fd00::/64 failed"}, "net_route_v6_add: fd00::/64 failed", ""}};

	for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
		setup(state);
		for (size_t k = 0; k < 3 && ways[i].lines[k] != NULL; k++)
			openvpn_log_line(&log_of, 1000, "I", ways[i].lines[k]);
		assert_string_equal(log_of.route, ways[i].route);
		assert_string_equal(log_of.fault, ways[i].fault);
	}
	openvpn_log_begin(&log_of);
	assert_int_equal(log_of.route[0] + log_of.fault[0], 0);
}

/* OpenSSL's words, for a certificate and for a list of revoked ones, and mbed TLS'. Not what anybody may
 * write. */
static void test_what_is_too_early(void **state)
{
	static const struct {
		const char *line;
		bool early;
	} lines[] = {{"VERIFY ERROR: depth=0, error=certificate is not yet valid: CN=young, serial=1", true},
		     {"VERIFY ERROR: depth=1, error=CRL is not yet valid: CN=ca, serial=2", true},
		     {"VERIFY ERROR: depth=0, subject=CN=young: The certificate validity starts in the "
		      "future, is from the future",
		      true},
		     {"VERIFY ERROR: depth=0, error=certificate has expired: CN=old, serial=1", false},
		     {"VERIFY OK: depth=0, CN=is not yet valid", false},
		     {"NOTE: VERIFY ERROR is not yet valid", false}};

	for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
		setup(state);
		openvpn_log_line(&log_of, 1000, "N", lines[i].line);
		assert_int_equal(log_of.early, lines[i].early);
		openvpn_log_line(&log_of, 1000, "I", "and then another line");
		assert_int_equal(log_of.early, lines[i].early);
	}
	log_of.early = true;
	openvpn_log_begin(&log_of);
	assert_false(log_of.early);
}

/* Of a flood so much, over all attempts; what is not wanted costs nothing of it. */
static void test_a_flood(void **state)
{
	size_t lines = 0;

	(void)state;
	so = "terse";
	for (int i = 0; i < LIMIT_BURST; i++)
		assert_false(openvpn_log_may(&log_of, 1000, LOG_DEBUG));
	for (int i = 0; i < 2 * LIMIT_BURST; i++) {
		openvpn_log_begin(&log_of);
		lines += openvpn_log_may(&log_of, 1000, LOG_WARN);
	}
	assert_int_equal(lines, LIMIT_BURST);
	assert_string_equal(journal, "");
	assert_true(openvpn_log_may(&log_of, 1000 + LIMIT_REPORT_MS, LOG_WARN));
	assert_string_equal(journal, "1 openvpn: 100 lines left out: too many at once\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test_setup(test_levels, setup),
					   cmocka_unit_test_setup(test_which_route, setup),
					   cmocka_unit_test_setup(test_what_is_too_early, setup),
					   cmocka_unit_test_setup(test_a_flood, setup)};

	return cmocka_run_group_tests_name("openvpn log", tests, NULL, NULL);
}
