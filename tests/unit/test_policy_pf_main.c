/* pf's main rules around our anchor: tests/golden/pf_main/NAME.in is what stands, NAME.apple and
 * NAME.freebsd what is made of it. The standing rules are written after pf.conf(5), but for the lines of
 * Apple's own file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "golden.h"
#include "policy/print.h"

#define GOLDEN "tests/golden/pf_main"

static const char *const cases[] = {"stock",        "printed", "macros",      "no-line-end",
				    "options-only", "freebsd", "every-stage", "words"};
static const char *const dialects[] = {[PF_APPLE] = "apple", [PF_FREEBSD] = "freebsd"};
enum { CASES = sizeof cases / sizeof cases[0] };

static void read_text(const char *name, const char *kind, char *to)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof path, GOLDEN "/%s.%s", name, kind);
	file = fopen(path, "r");
	if (file == NULL)
		fail_msg("%s: not there", path);
	to[fread(to, 1, PRINT_SIZE - 1, file)] = '\0';
	fclose(file);
}

static void compose(enum pf_dialect dialect, const char *standing, char *to)
{
	struct err e = {""};

	if (policy_print_pf_main(dialect, standing, to, PRINT_SIZE, &e) == -1)
		fail_msg("%s", e.text);
}

static void test_every_case(void **state)
{
	static char standing[PRINT_SIZE], text[PRINT_SIZE];
	char path[128];

	(void)state;
	for (size_t i = 0; i < CASES; i++) {
		read_text(cases[i], "in", standing);
		for (int d = PF_APPLE; d <= PF_FREEBSD; d++) {
			compose((enum pf_dialect)d, standing, text);
			snprintf(path, sizeof path, GOLDEN "/%s.%s", cases[i], dialects[d]);
			assert_golden(path, text);
		}
	}
}

static void test_made_of_its_own_result_it_is_the_same(void **state)
{
	static char standing[PRINT_SIZE], once[PRINT_SIZE], twice[PRINT_SIZE];

	(void)state;
	for (size_t i = 0; i < CASES; i++) {
		read_text(cases[i], "in", standing);
		for (int d = PF_APPLE; d <= PF_FREEBSD; d++) {
			compose((enum pf_dialect)d, standing, once);
			compose((enum pf_dialect)d, once, twice);
			assert_string_equal(once, twice);
		}
	}
}

static void test_without_others(void **state)
{
	static char text[PRINT_SIZE];

	(void)state;
	compose(PF_APPLE, NULL, text);
	assert_string_equal(text, "scrub-anchor \"org.portcullis\"\nnat-anchor \"org.portcullis\"\n"
				  "rdr-anchor \"org.portcullis\"\nanchor \"org.portcullis\"\n");
	compose(PF_FREEBSD, "", text);
	assert_string_equal(text, "scrub in all fragment reassemble\nnat-anchor \"org.portcullis\"\n"
				  "rdr-anchor \"org.portcullis\"\nanchor \"org.portcullis\"\n");
}

/* Ours go, theirs stay as they stood; and what was ours alone leaves nothing. */
static void test_the_rest(void **state)
{
	static char standing[PRINT_SIZE], with[PRINT_SIZE], rest[PRINT_SIZE], again[PRINT_SIZE];
	struct err e = {""};

	(void)state;
	for (int d = PF_APPLE; d <= PF_FREEBSD; d++) {
		compose((enum pf_dialect)d, "", with);
		assert_int_equal(policy_print_pf_rest(with, rest, sizeof rest, &e), 0);
		assert_string_equal(rest, "");
		compose((enum pf_dialect)d, "rdr-anchor \"a\"\npass quick all\nanchor \"b\" all\n", with);
		assert_int_equal(policy_print_pf_rest(with, rest, sizeof rest, &e), 0);
		assert_string_equal(rest, "rdr-anchor \"a\"\npass quick all\nanchor \"b\" all\n");
		for (size_t i = 0; i < CASES; i++) {
			read_text(cases[i], "in", standing);
			compose((enum pf_dialect)d, standing, with);
			assert_int_equal(policy_print_pf_rest(with, rest, sizeof rest, &e), 0);
			compose((enum pf_dialect)d, rest, again);
			assert_string_equal(again, with);
		}
	}
	assert_int_equal(policy_print_pf_rest("pass all \\\n", rest, sizeof rest, &e), -1);
}

/* Where pfctl would read on, nobody knows what is a rule: an error, nothing made up. */
static void test_open_quotes_and_braces(void **state)
{
	static const char *const bad[] = {"x = \"en0\npass quick all\n",
					  "table <a> { 192.0.2.1\npass all\n",
					  "x = \"a\\\"\npass quick all\n",
					  "pass all # remark \\",
					  "pass all \\\n",
					  "x = 'en0\npass quick all\n",
					  "table <a> { 192.0.2.1",
					  "x = \"en0",
					  "x = \"a\\\\\"\npass quick all\n"};
	static char text[PRINT_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct err e = {""};

		assert_int_equal(policy_print_pf_main(PF_APPLE, bad[i], text, sizeof text, &e), -1);
		assert_non_null(strstr(e.text, "; instead: "));
	}
	compose(PF_APPLE, "x = \"en0\"\npass quick all\n", text);
	assert_non_null(strstr(text, "anchor \"org.portcullis\"\npass quick all\n"));
}

static void test_too_small(void **state)
{
	char text[64];
	struct err e = {""};

	(void)state;
	assert_int_equal(policy_print_pf_main(PF_APPLE, "pass all\n", text, sizeof text, &e), -1);
	assert_int_equal(policy_print_pf_rest("anchor \"a\"\n", text, 12, &e), 0);
	assert_int_equal(policy_print_pf_rest("anchor \"a\"\n", text, 11, &e), -1);
	text[0] = 'x';
	assert_int_equal(policy_print_pf_main(PF_APPLE, NULL, text, 0, &e), -1);
	assert_string_equal(e.text, "no room for the rules");
	assert_int_equal(policy_print_pf_rest("", text, 0, &e), -1);
	assert_int_equal(text[0], 'x');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_every_case),
	    cmocka_unit_test(test_made_of_its_own_result_it_is_the_same),
	    cmocka_unit_test(test_without_others),
	    cmocka_unit_test(test_the_rest),
	    cmocka_unit_test(test_open_quotes_and_braces),
	    cmocka_unit_test(test_too_small),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
