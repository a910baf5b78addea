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
#include "driver/credentials.h"
#include "golden.h"
#include "profile/profile.h"
#include "ways.h"

enum { FILE_MAX = 3 * SECRET_SIZE };

static const char *file;
static size_t file_length;

/* So many bytes at a time: the file is there in pieces. */
ssize_t pread(int fd, void *to, size_t size, off_t at)
{
	size_t left = file_length - (size_t)at, got = left < 7 ? left : 7;

	assert_int_equal(fd, 60);
	assert_true(size > 0 && (size_t)at + size == FILE_MAX);
	errno = EIO;
	if (fails("pread") || (at > 0 && fails("pread-later")))
		return -1;
	got = got < size ? got : size;
	memcpy(to, file + at, got);
	return (ssize_t)got;
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
	result = credentials_read(60, needs, username, &c, &e);
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
	assert_golden("tests/golden/credentials", journal);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_each_file)};

	return cmocka_run_group_tests_name("credentials", tests, NULL, NULL);
}
