/* The keychain: what security(1) prints, the port on macOS with a stand-in for it, and its key in
 * portcullis.conf.
 *
 * How it prints is keychain_utilities.c's (Apple's SecurityTool); the pairs of
 * secret and line in test_what_it_prints were measured on a Mac by others
 * (public notes on -g: a backslash forces hex, a quotation mark stands for itself). */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

/* As on macOS. */
#undef PORTCULLIS_SECRETS
#define PORTCULLIS_SECRETS "password-file keychain"
#include "between.h"
#include "config/config_keys.c"
#include "os/host/keychain_macos.c"

static char folder[] = "/tmp/keychain-XXXXXX";

const char *tool_path(enum tool tool)
{
	static char path[64];

	assert_int_equal(tool, TOOL_SECURITY);
	snprintf(path, sizeof path, "%s/security", folder);
	return path;
}

/* A `security` that writes down how it is called, and then does as `body` says. */
static void stand_in(const char *body)
{
	char path[64];
	FILE *file;

	snprintf(path, sizeof path, "%s/security", folder);
	unlink(path);
	file = fopen(path, "w");
	fprintf(file, "#!/bin/sh\nprintf '%%s\\n' \"$@\" >%s/called\n%s\n", folder, body);
	fchmod(fileno(file), 0700);
	fclose(file);
}

static size_t contents(const char *name, char *to, size_t size)
{
	char path[64];
	ssize_t got;
	int fd;

	snprintf(path, sizeof path, "%s/%s", folder, name);
	fd = open(path, O_RDONLY);
	got = read(fd, to, size - 1);
	close(fd);
	to[got > 0 ? got : 0] = '\0';
	return got > 0 ? (size_t)got : 0;
}

static void test_what_it_prints(void **state)
{
	static const char *const pairs[][2] = {
	    {"password: \"rcouncil_1|abcdef\"\n", "rcouncil_1|abcdef"},
	    {"password: \"  padded  \"\n", "  padded  "},
	    {"password: 0x636166C3A9  \"caf\\303\\251\"\n", "caf\303\251"},
	    {"password: 0x61625C6364  \"ab\\134cd\"\n", "ab\\cd"},
	    {"password: \"ab\"cd\"\n", "ab\"cd"},
	    {"password: \"0xDEADBEEF\"\n", "0xDEADBEEF"},
	    {"password: \"d259cc9961fbd259cc9961fbd259cc99\"\n", "d259cc9961fbd259cc9961fbd259cc99"},
	    {"password: 0x6C696E65310A6C696E6532  \"line1\\012line2\"\n", "line1\nline2"},
	    {"password: 0xC3A9  \n", "\303\251"}, /* two blanks, nothing that can be printed */
	    {"keychain: \"x\"\nclass: \"genp\"\n    \"icmt\"<blob>=\"password: \"no\"\"\npassword: \"yes\"\n",
	     "yes"},
	};
	char secret[KEYCHAIN_SECRET];

	(void)state;
	for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
		assert_int_equal(keychain_item_read(pairs[i][0], secret), strlen(pairs[i][1]));
		assert_memory_equal(secret, pairs[i][1], strlen(pairs[i][1]));
	}
}

static void test_what_is_no_secret(void **state)
{
	static const char *const none[] = {
	    "",
	    "password: \n",
	    "password: \"\"\n",
	    "password: \"hunter2\"", /* cut: no line end */
	    "password: \"hunter\n",
	    "password: \"\n",
	    "password: hunter2\n",
	    "password: 0x\n",
	    "password: 0x6\n",
	    "password: 0x6g\n",
	    "password: 0x6C6 \n",
	    "password: 0x6C69 \n",
	    "password: 0xc3a9\n", /* not as it prints */
	    " password: \"hunter2\"\n",
	    ("security: SecKeychainSearchCopyNext: The specified item could not be "
	     "found in the keychain.\n")};
	char secret[KEYCHAIN_SECRET], zero[KEYCHAIN_SECRET] = "", said[2 * KEYCHAIN_SECRET + 32];

	(void)state;
	for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
		memset(secret, 'x', sizeof secret);
		assert_int_equal(keychain_item_read(none[i], secret), 0);
		assert_memory_equal(secret, zero, sizeof zero);
	}
	/* Exactly as much as a password file holds, and a byte more. */
	for (size_t more = 0; more < 2; more++) {
		int length =
		    snprintf(said, sizeof said, "password: \"%0*d\"\n", (int)(KEYCHAIN_SECRET + more), 0);

		assert_true(length > 0);
		assert_int_equal(keychain_item_read(said, secret), more ? 0 : KEYCHAIN_SECRET);
	}
}

static void test_the_tool_is_asked(void **state)
{
	char called[256], secret[64] = "";
	struct err e = {""};
	int fd;

	(void)state;
	stand_in("echo 'class: \"genp\"'; echo 'password: \"hunter2\"' >&2");
	fd = keychain_open("portcullis", "p1234567", &e);
	assert_true(fd >= 0);
	assert_int_equal(pread(fd, secret, sizeof secret, 0), 7); /* as the driver reads it */
	assert_string_equal(secret, "hunter2");
	assert_int_equal(write(fd, "x", 1), -1); /* sealed */
	close(fd);
	contents("called", called, sizeof called);
	assert_string_equal(called, "find-generic-password\n-s\nportcullis\n-a\np1234567\n-g\n"
				    "/Library/Keychains/System.keychain\n");
	assert_string_equal(e.text, "");
}

/* Each failure is one line, and no byte of a secret is in it. */
static void test_the_tool_fails(void **state)
{
	static const char *const cases[][2] = {
	    {"echo 'security: SecKeychainSearchCopyNext: The specified item could not be found in the "
	     "keychain.' "
	     ">&2; exit 44",
	     "exit 44: security: SecKeychainSearchCopyNext: The specified item"},
	    {"echo 'password: \"hunter2\"' >&2; exit 1", "the tool failed, or its output is incomplete"},
	    {"printf 'password: \"hunt' >&2", "the tool failed, or its output is incomplete"},
	    {"printf 'password: \"hunter2' >&2; kill -9 $$", "the tool failed, or its output is incomplete"},
	    {"exit 0", "it has no usable secret"},
	    {"head -c 20000 /dev/zero | tr '\\0' x", "its output is longer than"},
	    {"exit 51", "exit 51"},
	};
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		stand_in(cases[i][0]);
		e.text[0] = '\0';
		assert_int_equal(keychain_open("portcullis", "me", &e), -1);
		assert_non_null(strstr(e.text, cases[i][1]));
		assert_null(strstr(e.text, "hunt"));
		assert_null(strchr(e.text, '\n'));
		assert_non_null(strstr(e.text, "; instead: sudo security -i"));
	}
	snprintf(e.text, sizeof e.text, "%s/security", folder);
	unlink(e.text);
	e.text[0] = '\0';
	assert_int_equal(keychain_open("portcullis", "me", &e), -1);
	assert_non_null(strstr(e.text, "No such file"));
}

static void test_the_tool_hangs(void **state)
{
	struct timespec before, after;
	struct err e = {""};

	(void)state;
	stand_in("echo 'password: \"hunter2\"' >&2; exec sleep 600");
	clock_gettime(CLOCK_MONOTONIC, &before);
	assert_int_equal(keychain_open("portcullis", "me", &e), -1);
	clock_gettime(CLOCK_MONOTONIC, &after);
	assert_between(after.tv_sec - before.tv_sec, 4, 8);
	assert_null(strstr(e.text, "hunter2"));
	assert_non_null(strstr(e.text, "the tool failed, or its output is incomplete"));
}

static int read_config(const char *text, struct config *config, struct err *e)
{
	FILE *stream = fmemopen((void *)(uintptr_t)text, strlen(text), "r");
	int result = config_read_stream(config, stream, "p.conf", "/etc", e);

	fclose(stream);
	return result;
}

static void test_the_key(void **state)
{
	static const char *const refused[][2] = {
	    {"credentials {\n keychain = \"vpn\"\n}\n",
	     "p.conf:2: credentials.keychain is set without an account; instead: set credentials.username"},
	    {"credentials {\n username = \"-x\"\n keychain = \"vpn\"\n}\n",
	     "p.conf:3: credentials.keychain is set without an account; instead: set credentials.username"},
	    {"credentials {\n username = \"me\"\n password-file = \"x\"\n keychain = \"vpn\"\n}\n",
	     "p.conf:4: credentials.keychain and credentials.password-file are both set; instead: keep one"},
	    {"credentials {\n keychain = \"-w\"\n}\n",
	     "p.conf:2: credentials.keychain: \"-w\" is not the name of a service; instead: a name such as "
	     "portcullis"},
	};
	static struct config config;
	struct err e = {""};

	(void)state;
	assert_int_equal(
	    read_config("credentials {\n username = \"me\"\n keychain = \"my vpn\"\n}\n", &config, &e), 0);
	assert_string_equal(config.keychain, "my vpn");
	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
		assert_int_equal(read_config(refused[i][0], &config, &e), -1);
		assert_string_equal(e.text, refused[i][1]);
	}
}

static int set_up(void **state)
{
	(void)state;
	return mkdtemp(folder) == NULL ? -1 : 0;
}

static int tear_down(void **state)
{
	char path[64];

	(void)state;
	snprintf(path, sizeof path, "%s/security", folder);
	unlink(path);
	snprintf(path, sizeof path, "%s/called", folder);
	unlink(path);
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_what_it_prints),    cmocka_unit_test(test_what_is_no_secret),
	    cmocka_unit_test(test_the_tool_is_asked), cmocka_unit_test(test_the_tool_fails),
	    cmocka_unit_test(test_the_tool_hangs),    cmocka_unit_test(test_the_key),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
