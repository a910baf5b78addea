/* What is read of the password file: which line for what, and what is refused; against
 * tests/golden/credentials. Nothing of it stays in memory after a refusal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
/* What is wiped is counted. */
#define secret_wipe_bytes plain_wipe_bytes
#include "base/secret.c"
#undef secret_wipe_bytes
void secret_wipe_bytes(void *bytes, size_t length);

#include "driver/login/credentials.h"
#include "golden.h"
#include "profile/profile.h"
#include "ways.h"

enum { FILE_MAX = 3 * SECRET_SIZE };

static const char *file;
static size_t file_length, piece = 7;

/* So many bytes at a time: the file is there in pieces. */
ssize_t pread(int fd, void *to, size_t size, off_t at)
{
	size_t left = file_length - (size_t)at, got = left < piece ? left : piece;

	assert_int_equal(fd, 60);
	assert_true(size > 0 && ((size_t)at + size == FILE_MAX || piece == 8));
	errno = EIO;
	if (fails("pread") || (at > 0 && fails("pread-later")))
		return -1;
	got = got < size ? got : size;
	memset(to, 0xbf, size); /* of what is there no more than was read counts */
	memcpy(to, file + at, got);
	return (ssize_t)got;
}

static size_t wiped;

void secret_wipe_bytes(void *bytes, size_t length)
{
	wiped += length;
	plain_wipe_bytes(bytes, length);
}

static bool is_wiped(const struct credentials *c)
{
	static const struct credentials none;

	return memcmp(c, &none, sizeof none) == 0;
}

static void run(const char *words, const char *text, int needs, const char *username)
{
	struct credentials c;
	struct err e = {""};
	int result;

	so = words;
	failed[0] = '\0';
	file = text;
	file_length = strlen(text);
	memset(&c, 0x55, sizeof c);
	wiped = 0;
	result = credentials_read(60, needs, username, &c, &e);
	assert_true(wiped > FILE_MAX); /* all that was read */
	say("%s%.40s\n[%zu bytes] needs %d, name \"%.20s\": %s", words, text, file_length, needs, username,
	    result == 0 ? "done" : e.text);
	if (result == 0)
		say("  user \"%.20s\" %zu, password \"%.20s\" %zu, passphrase \"%.20s\" %zu", c.user.bytes,
		    c.user.length, c.password.bytes, c.password.length, c.passphrase.bytes,
		    c.passphrase.length);
	else
		assert_true(is_wiped(&c));
	credentials_wipe(&c);
	assert_true(is_wiped(&c));
}

static void test_each_file(void **state)
{
	enum { USER = PROFILE_NEEDS_USER_PASSWORD, KEY = PROFILE_NEEDS_KEY_PASSPHRASE, BOTH = USER | KEY };
	static char longest[SECRET_SIZE + 8], too_long[SECRET_SIZE + 8], full[2 * FILE_MAX];

	(void)state;
	memset(longest, 'x', SECRET_SIZE - 1);
	memset(too_long, 'x', SECRET_SIZE);
	memset(full, 'y', sizeof full - 1);
	full[0] = '\n';
	journal[0] = '\0';
	run("", "me\nword\nphrase\n", BOTH, "");
	run("", "word\nphrase\n", BOTH, "somebody");
	run("", "me\r\nword\r\nphrase\r\n", BOTH, "");
	run("", "me\nword", USER, "");
	run("", "phrase\n", KEY, "");
	run("", "me\nword\n", 0, "");
	run("", "me\nword\n", BOTH, "");
	run("", "me\n", USER, "");
	run("", "\nword\n", USER, "");
	run("", "me\n\n", USER, "");
	run("", "\r\nword\n", USER, "");
	run("", "", USER, "");
	run("", "", USER, "somebody");
	run("", "", KEY, "");
	run("", "m\te\nword\n", USER, "");
	run("", "word\n", USER, "some\tbody");
	run("", longest, KEY, "");
	run("", too_long, KEY, "");
	run("", full, KEY, "");
	run("!pread ", "me\nword\n", USER, "");
	run("!pread-later ", "me and more\nword\n", USER, "");
	/* the mark of UTF-8, and what only looks like it */
	run("", "\xef\xbb\xbfme\nword\n", USER, "");
	run("", "\xef\xbb\xbfword\n", USER, "somebody");
	run("", "\xef\xbb\xbf", USER, "somebody");
	run("", "\xef\xbb", USER, "");
	run("", "\xef\xbbme\nword\n", USER, "");
	run("", "me\n\xef\xbb\xbfword\n", USER, "");
	assert_golden("tests/golden/credentials", journal);
}

static void run_totp(const char *words, const char *text)
{
	struct totp totp;
	struct err e = {""};
	int result;

	so = words;
	failed[0] = '\0';
	file = text;
	file_length = strlen(text);
	memset(&totp, 0x55, sizeof totp);
	wiped = 0;
	result = credentials_totp(60, &totp, &e);
	assert_true(wiped > FILE_MAX);
	say("%s%.60s: %d %s, %zu bytes", words, text, result, e.text, totp.key.length);
	assert_int_equal(result == 1, totp.key.length > 0);
}

static void test_the_totp_file(void **state)
{
	static char full[2 * FILE_MAX];

	(void)state;
	memset(full, 'A', sizeof full - 1);
	memcpy(full, "otpauth://totp/", 15);
	journal[0] = '\0';
	run_totp("", "");
	run_totp("", "\xef\xbb\xbfGEZDGNBVGY3TQOJQ\r\n");
	run_totp("", "\xef\xbb\xbf");
	run_totp("", "GEZDGNBVGY3TQOJ!\n");
	run_totp("", full);
	run_totp("!pread ", "GEZDGNBVGY3TQOJQ");
	assert_golden("tests/golden/credentials_totp", journal);
}

static void test_the_passphrase(void **state)
{
	struct credentials c;
	struct err e = {""};

	(void)state;
	so = "";
	file = "\xef\xbb\xbf"
	       "phrase\r\nmore";
	file_length = strlen(file);
	wiped = 0;
	assert_int_equal(credentials_passphrase(60, &c, &e), 1);
	assert_true(wiped > FILE_MAX);
	assert_string_equal(c.passphrase.bytes, "phrase");
	file_length = 0;
	assert_int_equal(credentials_passphrase(60, &c, &e), 0);
	assert_true(is_wiped(&c));
	file = "\n";
	file_length = 1;
	assert_int_equal(credentials_passphrase(60, &c, &e), -1);
	assert_non_null(strstr(e.text, "has no line for it"));
	so = "!pread";
	assert_int_equal(credentials_passphrase(60, &c, &e), -1);
	assert_string_equal(e.text, "the passphrase of the private key can't be read: Input/output error");
}

static uint64_t kept;
static ssize_t written;

ssize_t pwrite(int fd, const void *from, size_t size, off_t at)
{
	assert_true(fd == 61 && at == 0 && size == sizeof kept);
	memcpy(&kept, from, size);
	return written;
}

void log_line(enum log_level level, const char *room, const char *format, ...)
{
	assert_int_equal(level, LOG_WARN);
	assert_string_equal(room, "driver");
	assert_int_equal(format[0], 't');
	kept++;
}

bool log_wants(enum log_level level)
{
	return level == LOG_WARN;
}

static void test_what_was_used(void **state)
{
	static uint64_t until = 1234567890123;

	(void)state;
	so = "";
	file = (const char *)&until;
	file_length = 8;
	piece = 8;
	assert_true(credentials_load_used(60) == until);
	file_length = 7;
	assert_true(credentials_load_used(60) == 0);
	so = "!pread";
	assert_true(credentials_load_used(60) == 0);
	written = 8;
	credentials_save_used(61, until);
	assert_true(kept == until);
	written = 7;
	credentials_save_used(61, until);
	assert_true(kept == until + 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_each_file), cmocka_unit_test(test_the_totp_file),
	    cmocka_unit_test(test_the_passphrase), cmocka_unit_test(test_what_was_used)};

	return cmocka_run_group_tests_name("credentials", tests, NULL, NULL);
}
