/* Running the system's tools: the whole answer or a failure, and never longer than allowed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "os/process/tool.h"

enum { PATIENCE = 10000 };

static const char *const *script(const char *text)
{
	static const char *argv[] = {"/bin/sh", "-c", NULL, NULL};

	argv[2] = text;
	return argv;
}

static void test_the_whole_answer(void **state)
{
	char output[64];
	struct err e = {""};

	(void)state;
	assert_int_equal(
	    tool_output(script("echo one; echo no >&2; echo two"), NULL, PATIENCE, output, sizeof output, &e),
	    0);
	assert_string_equal(output, "one\ntwo\n");
	assert_int_equal(tool_output_all(script("echo one; echo and >&2; echo two"), NULL, PATIENCE, output,
					 sizeof output, &e),
			 0);
	assert_string_equal(output, "one\nand\ntwo\n");
	assert_int_equal(tool_output(script(":"), NULL, PATIENCE, output, sizeof output, &e), 0);
	assert_string_equal(output, "");
	assert_int_equal(tool_run(script("echo anything"), NULL, PATIENCE, &e), 0);
}

static void test_an_answer_that_does_not_fit_is_none(void **state)
{
	char output[8];
	struct err e = {""};

	(void)state;
	assert_int_equal(tool_output(script("printf 1234567"), NULL, PATIENCE, output, sizeof output, &e), 0);
	assert_string_equal(output, "1234567");
	assert_int_equal(tool_output(script("printf 12345678"), NULL, PATIENCE, output, sizeof output, &e),
			 -1);
	assert_non_null(strstr(e.text, "its output is longer than 7 bytes"));
	assert_string_equal(output, "1234567"); /* terminated all the same */
	assert_int_equal(tool_output_all(script("printf 12345678 >&2"), NULL, PATIENCE, output, 8, &e), -1);
	assert_int_equal(tool_output(script("printf 'a\\000b'"), NULL, PATIENCE, output, sizeof output, &e),
			 -1);
	/* What nobody asked for may be of any length. */
	assert_int_equal(tool_run(script("seq 100000; seq 100000 >&2"), NULL, PATIENCE, &e), 0);
	assert_int_equal(tool_output(script("seq 100000 >&2"), NULL, PATIENCE, output, sizeof output, &e), 0);
}

static void test_a_failure_has_its_words(void **state)
{
	char output[64];
	struct err e = {""};
	const char *const none[] = {"/nowhere/tool", NULL};

	(void)state;
	assert_int_equal(
	    tool_output(script("echo out; echo why >&2; exit 3"), NULL, PATIENCE, output, sizeof output, &e),
	    -1);
	assert_string_equal(e.text, "/bin/sh: exit 3: why");
	assert_int_equal(tool_output(script("echo only; exit 3"), NULL, PATIENCE, output, sizeof output, &e),
			 -1);
	assert_string_equal(e.text, "/bin/sh: exit 3: only");
	assert_int_equal(tool_run(script("kill -9 $$"), NULL, PATIENCE, &e), -1);
	assert_string_equal(e.text, "/bin/sh: ended by signal 9: ");
	assert_int_equal(tool_run(none, NULL, PATIENCE, &e), -1);
	assert_string_equal(e.text, "/nowhere/tool: exit 127: No such file or directory");
}

static void test_input_of_any_length(void **state)
{
	enum { LONG = 1 << 20 };
	char *input = malloc(LONG + 1), *output = malloc(LONG + 1);
	const char *const cat[] = {"/bin/cat", NULL};
	struct err e = {""};

	(void)state;
	assert_non_null(input);
	assert_non_null(output);
	memset(input, 'x', LONG);
	input[LONG] = '\0';
	assert_int_equal(tool_output(cat, input, PATIENCE, output, LONG + 1, &e), 0);
	assert_string_equal(output, input);
	assert_int_equal(tool_output(cat, NULL, PATIENCE, output, LONG + 1, &e), 0);
	assert_string_equal(output, "");
	/* Success without having read: it did something else than what was asked. */
	assert_int_equal(tool_run(script("exec <&-; exit 0"), input, PATIENCE, &e), -1);
	assert_string_equal(e.text, "/bin/sh: did not read all of its input");
	free(input);
	free(output);
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void expect_killed(const char *text)
{
	int64_t before = now_ms();
	char output[64];
	struct err e = {""};

	assert_int_equal(tool_output(script(text), NULL, 100, output, sizeof output, &e), -1);
	assert_string_equal(e.text, "/bin/sh: killed after 100 ms");
	assert_true(now_ms() - before < PATIENCE);
}

static void test_the_deadline(void **state)
{
	char output[64];
	struct err e = {""};

	(void)state;
	expect_killed("exec sleep 1000");
	expect_killed("sleep 1000; :");             /* a child of it */
	expect_killed("kill -STOP $$");             /* it hears no SIGTERM */
	expect_killed("exec >&- 2>&-; sleep 1000"); /* it said that it was done */
	expect_killed("exec yes");                  /* it never stops talking */
	/* What it leaves behind holds the pipe, and nobody waits for that. */
	assert_int_equal(
	    tool_output(script("sleep 3 & echo done"), NULL, PATIENCE, output, sizeof output, &e), 0);
	assert_string_equal(output, "done\n");
}

static void test_it_inherits_nothing(void **state)
{
	char output[256];
	struct err e = {""};
	const char *const env[] = {"/usr/bin/env", NULL};
	int ours = dup(0);

	(void)state;
	assert_true(ours > 2);
	assert_int_equal(tool_output(env, NULL, PATIENCE, output, sizeof output, &e), 0);
	assert_string_equal(output, "PATH=/usr/sbin:/usr/bin:/sbin:/bin\nLC_ALL=C\n");
	assert_int_equal(
	    tool_output(script("for i in 3 4 5 6 7 8 9; do [ ! -e /proc/$$/fd/$i ] || echo $i; done"), NULL,
			PATIENCE, output, sizeof output, &e),
	    0);
	assert_string_equal(output, "");
	close(ours);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_the_whole_answer),
	    cmocka_unit_test(test_an_answer_that_does_not_fit_is_none),
	    cmocka_unit_test(test_a_failure_has_its_words),
	    cmocka_unit_test(test_input_of_any_length),
	    cmocka_unit_test(test_the_deadline),
	    cmocka_unit_test(test_it_inherits_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
