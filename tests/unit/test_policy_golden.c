/* Every situation's text for every filter, against tests/golden/policy/. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "golden.h"
#include "policy/print.h"
#include "policy_cases.h"

#define GOLDEN "tests/golden/policy"

typedef int printer(const struct situation *s, char *to, size_t size, struct err *e);

static const struct {
	const char *name;
	printer *print;
} printers[] = {{"nft", policy_print_nft}, {"pf", policy_print_pf}, {"ipfw", policy_print_ipfw}};
enum { PRINTERS = sizeof printers / sizeof printers[0] };

static void golden_path(char *to, size_t size, size_t which, size_t printer_index)
{
	snprintf(to, size, GOLDEN "/%s.%s", policy_cases[which].name, printers[printer_index].name);
}

static void print_case(size_t which, size_t printer_index, char *text)
{
	struct situation s = policy_case_make(&policy_cases[which]);
	struct err e = {{0}};

	if (printers[printer_index].print(&s, text, PRINT_SIZE, &e) == -1)
		fail_msg("%s, %s: %s", policy_cases[which].name, printers[printer_index].name, e.text);
}

static void test_every_situation(void **state)
{
	static char text[PRINT_SIZE];
	char path[256];

	(void)state;
	for (size_t i = 0; i < POLICY_CASES; i++) {
		for (size_t p = 0; p < PRINTERS; p++) {
			golden_path(path, sizeof path, i, p);
			print_case(i, p, text);
			assert_golden(path, text);
		}
	}
}

/* A golden file without a situation is never compared: it must not lie about. */
static void test_no_golden_file_is_left_over(void **state)
{
	DIR *directory = opendir(GOLDEN);
	struct dirent *entry;
	size_t files = 0;

	(void)state;
	assert_non_null(directory);
	while ((entry = readdir(directory)) != NULL)
		files += entry->d_name[0] != '.';
	closedir(directory);
	assert_int_equal(files, POLICY_CASES * PRINTERS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_every_situation),
	    cmocka_unit_test(test_no_golden_file_is_left_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
