/* Where the last lines of the log begin, over more than one chunk and as far back as it may look; and what is
 * read of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <dlfcn.h>
#include <sys/types.h>
#include <unistd.h>

#include "driver/log_tail.h"
#include "ways.h"

enum { CHUNK = 16 * 1024, LINE = 1024 };

static int log_file;
static size_t most; /* that one read asks for */

ssize_t pread(int descriptor, void *to, size_t size, off_t at)
{
	ssize_t (*real)(int, void *, size_t, off_t);

	*(void **)&real = dlsym(RTLD_NEXT, "pread");
	most = size > most ? size : most;
	if (fails("pread"))
		return -1;
	return real(descriptor, to, is("short") ? size / 2 : size, at);
}

/* `count` lines of `length` bytes each, and what follows them. */
static void write_log(size_t count, size_t length, const char *rest)
{
	FILE *file = tmpfile();

	assert_non_null(file);
	for (size_t i = 0; i < count; i++)
		fprintf(file, "%*s\n", (int)length - 1, "x");
	fputs(rest, file);
	fflush(file);
	log_file = dup(fileno(file));
	fclose(file);
	most = 0;
	failed[0] = '\0';
}

static void test_where_they_begin(void **state)
{
	static const struct {
		size_t count, length;
		const char *rest;
		unsigned lines;
		off_t begin;
	} all[] = {
	    {0, 2, "", 1, 0},
	    {3, 2, "", 0, 6},
	    {3, 2, "", 1, 4},
	    {3, 2, "", 2, 2},
	    {3, 2, "", 3, 0},
	    {3, 2, "", 99, 0},
	    {3, 2, "y", 1, 4},
	    {20, LINE, "", 10, 10 * LINE},
	    {40, LINE, "", 16, 24 * LINE}, /* the line end before them is the next chunk's last byte */
	    {40, LINE, "", 15, 25 * LINE},
	    {40, LINE, "", 17, 23 * LINE},
	    {40, LINE, "", 40, 0},
	    {40, LINE, "zz", 33, 7 * LINE},
	    {LOG_TAIL_REACH / LINE, LINE, "", LOG_TAIL_LINES, 0},
	    {LOG_TAIL_REACH / LINE, LINE, "yyy", LOG_TAIL_LINES, 3},
	    {LOG_TAIL_REACH / LINE + 2, LINE, "", LOG_TAIL_REACH / LINE, 2 * LINE},
	    {LOG_TAIL_REACH / LINE + 2, LINE, "", LOG_TAIL_LINES, 2 * LINE},
	};

	(void)state;
	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
		write_log(all[i].count, all[i].length, all[i].rest);
		assert_int_equal(log_tail_find(log_file, all[i].lines), all[i].begin);
		assert_true(most <= CHUNK);
		close(log_file);
	}
}

static void test_what_can_not_be_found(void **state)
{
	static const char *const ways[] = {"!pread", "short"};
	int ends[2];

	(void)state;
	write_log(3, LINE, "");
	assert_int_equal(log_tail_find(log_file, 1), 2 * LINE);
	for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
		so = ways[i];
		assert_int_equal(log_tail_find(log_file, 1), -1);
		so = "";
	}
	close(log_file);
	assert_int_equal(log_tail_find(-1, 1), -1);
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(log_tail_find(ends[0], 1), -1);
	close(ends[0]);
	close(ends[1]);
}

/* Whole lines, unless one fills all the room; a file that was cut is read from its start. */
static void test_reading(void **state)
{
	static const struct {
		const char *text;
		off_t at;
		size_t room;
		ssize_t got;
		off_t then;
		const char *words;
	} all[] = {
	    {"a\nbb\nccc", 0, 64, 5, 5, ""}, {"a\nbb\nccc", 0, 4, 2, 2, ""},  {"a\nbb\nccc", 2, 4, 3, 5, ""},
	    {"a\nbb\nccc", 5, 64, 0, 5, ""}, {"a\nbb\nccc", 5, 3, 3, 8, ""},  {"a\nbb\nccc", 5, 4, 0, 5, ""},
	    {"a\nbb\nccc", 8, 64, 0, 8, ""}, {"a\nbb\nccc", 9, 64, 5, 5, ""}, {"\n", 0, 64, 1, 1, ""},
	    {"\nccc", 0, 64, 1, 1, ""},      {"", 0, 64, 0, 0, ""},           {"a\n", 0, 64, -1, 0, "!pread"},
	};
	char to[64];

	(void)state;
	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
		off_t at = all[i].at;

		write_log(0, 0, all[i].text);
		so = all[i].words;
		assert_int_equal(log_tail_read(log_file, &at, to, all[i].room), all[i].got);
		so = "";
		assert_int_equal(at, all[i].then);
		if (all[i].got > 0)
			assert_memory_equal(to, all[i].text + all[i].then - all[i].got, (size_t)all[i].got);
		close(log_file);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_where_they_begin),
					   cmocka_unit_test(test_what_can_not_be_found),
					   cmocka_unit_test(test_reading)};

	return cmocka_run_group_tests_name("log tail", tests, NULL, NULL);
}
