/* The latest time that was seen: what is stored, what is believed, and what is told of a clock before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "gate/gate.h"
#include "gate/seen.h"
#include "log_journal.h"
#include "os/host/file.h"
#include "ways.h"

enum { NOW = 1800000000 };

static struct gate gate;
static char file[64]; /* "": there is none */
static time_t clock_now;

time_t time(time_t *to)
{
	assert_null(to);
	return clock_now;
}

int file_load(const char *path, char *to, size_t size)
{
	assert_string_equal(path, "/state/seen");
	errno = ENOENT;
	snprintf(to, size, "%s", file);
	return file[0] == '\0' ? -1 : 0;
}

int file_save(const char *path, const char *text, bool durable)
{
	assert_string_equal(path, "/state/seen");
	assert_false(durable);
	errno = ENOSPC;
	if (fails("file_save"))
		return -1;
	snprintf(file, sizeof file, "%s", text);
	return 0;
}

static int setup(void **state)
{
	(void)state;
	memset(&gate, 0, sizeof gate);
	strcpy(gate.config.state_dir, "/state");
	journal[0] = file[0] = failed[0] = '\0';
	so = "";
	clock_now = NOW;
	return 0;
}

static void begin(const char *text)
{
	struct err e = {""};

	gate.seen = 0;
	journal[0] = '\0';
	strcpy(file, text);
	assert_int_equal(seen_begin(&gate, &e), 0);
}

static void test_what_is_read(void **state)
{
	static const char *const nonsense[] = {"", "\n", "soon\n", "-5\n", "0\n", "4294967296\n"};

	(void)state;
	for (size_t i = 0; i < sizeof nonsense / sizeof nonsense[0]; i++) {
		begin(nonsense[i]);
		assert_int_equal(gate.seen, 0);
		assert_string_equal(journal, "");
	}
	begin("1\n");
	assert_int_equal(gate.seen, 1);
	begin("1800003600\n"); /* an hour ahead is no news */
	assert_int_equal(gate.seen, NOW + 3600);
	assert_string_equal(journal, "");
	begin("1800003601\n");
	assert_string_equal(
	    journal,
	    "log 1 gate: the clock says 2027-01-15T08:00:00Z, but it was 2027-01-15T09:00:01Z already: "
	    "certificates may not be valid yet; instead: set it (date -s), or use a profile with "
	    "peer-fingerprint, which needs no clock\n");
	begin("4294967295\n");
	assert_non_null(strstr(journal, "but it was 2106-02-07T06:28:15Z already"));
}

static void test_what_is_stored(void **state)
{
	char notice[WIRE_TEXT];

	(void)state;
	seen_note(&gate, false);
	assert_string_equal(file, "1800000000\n");
	clock_now += 59; /* not each time */
	seen_note(&gate, false);
	seen_note(&gate, true);
	assert_int_equal(gate.seen, NOW);
	clock_now++;
	seen_note(&gate, false);
	assert_string_equal(file, "1800000060\n");
	clock_now = NOW - 7200; /* back: told of, until a server has been believed with it */
	seen_note(&gate, false);
	assert_string_equal(file, "1800000060\n");
	seen_notice(&gate, notice, sizeof notice);
	assert_non_null(strstr(notice, "the clock says 2027-01-15T06:00:00Z"));
	seen_note(&gate, true);
	assert_string_equal(file, "1799992800\n");
	seen_notice(&gate, notice, sizeof notice);
	assert_string_equal(notice, "");
	assert_string_equal(journal, "");
}

static void test_a_full_disk(void **state)
{
	(void)state;
	so = "!file_save";
	seen_note(&gate, false);
	assert_int_equal(gate.seen, NOW);
	assert_string_equal(journal, "log 1 gate: /state/seen: No space left on device\n");
}

#define TEST(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {TEST(test_what_is_read), TEST(test_what_is_stored),
					   TEST(test_a_full_disk)};

	return cmocka_run_group_tests_name("seen", tests, NULL, NULL);
}
