/* openvpn on macOS: its command line's words, and its sandbox in Apple's profile language. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "os/process/child.h"
#include "os/process/openvpn_words.h"
#include "os/process/sandbox/confine_profile.h"

static const char *words_of(const char *endpoint, const char *user)
{
	static char text[256];
	const char *words[OPENVPN_WORDS];
	struct net_endpoint to;
	size_t count, used = 0;

	assert_int_equal(net_endpoint_parse(endpoint, &to), 0);
	count = openvpn_words("utun87", &to, user, words);
	assert_true(count <= OPENVPN_WORDS);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(text_append(text, sizeof text, &used, "%s%s", i > 0 ? " " : "", words[i]),
				 0);
	return text;
}

#define DEVICE "--dev tun --dev-node utun87 --script-security 0 --ifconfig-noexec --route-noexec"

static void test_it_sets_and_runs_nothing_and_becomes_its_user(void **state)
{
	(void)state;
	assert_string_equal(words_of("203.0.113.7:1194/udp", "_openvpn"), DEVICE " --user _openvpn");
	assert_string_equal(words_of("203.0.113.7:443/tcp", "root"), DEVICE);
	assert_string_equal(words_of("[2001:db8::7]:1194/udp", "_openvpn"),
			    DEVICE " --user _openvpn --mssfix 1232");
}

static const char *profile_of(const char *binary, const char *folder)
{
	static char text[CONFINE_PROFILE_SIZE];
	struct err e = {""};

	assert_int_equal(confine_profile(binary, folder, text, sizeof text, &e), 0);
	return text;
}

/* The rule of an operation, to the end of its expression. */
static const char *rule_of(const char *profile, const char *operation)
{
	static char rule[1024];
	char head[64];
	const char *at, *end;
	int depth = 0;

	snprintf(head, sizeof head, "(deny %s", operation);
	assert_non_null(at = strstr(profile, head));
	assert_true(at[strlen(head)] == ' ' || at[strlen(head)] == ')');
	assert_null(strstr(at + 1, head)); /* one rule each: no order decides */
	for (end = at; depth > 0 || end == at; end++) {
		assert_true(*end != '\0');
		depth += (*end == '(') - (*end == ')');
	}
	snprintf(rule, sizeof rule, "%.*s", (int)(end - at), at);
	return rule;
}

static void test_the_sandbox(void **state)
{
	const char *p = profile_of("/opt/homebrew/Cellar/openvpn/2.6.14/sbin/openvpn",
				   "/private/var/run/portcullis/openvpn");
	int depth = 0;

	(void)state;
	assert_ptr_equal(strstr(p, "(version 1)\n(allow default)\n"), p);
	assert_null(strstr(p + 20, "(allow ")); /* that one apart */
	for (const char *at = p; *at != '\0'; at++)
		assert_true((depth += (*at == '(') - (*at == ')')) >= 0);
	assert_int_equal(depth, 0);
	assert_string_equal(rule_of(p, "process-fork"), "(deny process-fork)");
	assert_string_equal(rule_of(p, "process-exec*"),
			    "(deny process-exec* (require-not "
			    "(literal \"/opt/homebrew/Cellar/openvpn/2.6.14/sbin/openvpn\")))");
	assert_string_equal(rule_of(p, "file-write*"),
			    "(deny file-write* (require-not (require-any "
			    "(literal \"/private/var/run/portcullis/openvpn\") (literal \"/dev/null\"))))");
	assert_string_equal(rule_of(p, "network-outbound"),
			    "(deny network-outbound (require-all (subpath \"/\") (require-not "
			    "(subpath \"/private/var/run/portcullis/openvpn\"))))");
	assert_string_equal(rule_of(p, "system-socket"),
			    "(deny system-socket (require-not (require-all (socket-domain AF_SYSTEM) "
			    "(socket-protocol 2))))");
	assert_string_equal(rule_of(p, "signal"), "(deny signal (require-not (target self)))");
	assert_non_null(strstr(rule_of(p, "mach-lookup"), "opendirectoryd.libinfo"));
	assert_non_null(strstr(rule_of(p, "file-read-data"), "(subpath \"/private/etc/portcullis\")"));
	assert_null(strstr(rule_of(p, "file-read-data"), "openssl"));
}

/* A path never becomes a rule. */
static void test_paths_that_are_no_paths(void **state)
{
	static const char *const bad[] = {"",     "openvpn", "/a\") (allow default) (x \"",
					  "/a\\", "/a\nb",   "/\x80"};
	char text[CONFINE_PROFILE_SIZE], small[64];
	struct err e = {""};

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		assert_int_equal(confine_profile(bad[i], "/run", text, sizeof text, &e), -1);
		assert_int_equal(confine_profile("/bin", bad[i], text, sizeof text, &e), -1);
	}
	assert_int_equal(confine_profile("/bin", "/run", small, sizeof small, &e), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_it_sets_and_runs_nothing_and_becomes_its_user),
	    cmocka_unit_test(test_the_sandbox),
	    cmocka_unit_test(test_paths_that_are_no_paths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
