/* What the status says of an enable that nobody has confirmed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "gate/gate.h"
#include "gate/unconfirmed.h"
#include "journal.h"
#include "log_journal.h"
#include "os/host/file.h"

static struct gate gate;
static const char *file; /* NULL: there is none */

int file_load(const char *path, char *to, size_t size)
{
	assert_string_equal(path, PORTCULLIS_STATEDIR "/portcullis/unconfirmed");
	errno = ENOENT;
	if (file == NULL)
		return -1;
	snprintf(to, size, "%s", file);
	return 0;
}

/* It is told once, and that it is over; what can't be a time is none. */
static void test_it_is_told(void **state)
{
	static const char *const nonsense[] = {"", "\n", "soon\n", "-1\n", "0\n", "4294967295\n", "1.5\n"};

	(void)state;
	unconfirmed_look(&gate);
	assert_string_equal(journal, "");
	file = "1796000000\n";
	unconfirmed_look(&gate);
	assert_string_equal(
	    gate.unconfirmed,
	    "NOT CONFIRMED: enable is taken back at 2026-11-30T00:53:20Z, or at a reboot, and then "
	    "everything passes; instead: portcullis confirm");
	assert_non_null(
	    strstr(journal, "log 1 gate: NOT CONFIRMED: enable is taken back at 2026-11-30T00:53:20Z"));
	journal[0] = '\0';
	unconfirmed_look(&gate);
	assert_string_equal(journal, "");
	for (size_t i = 0; i < sizeof nonsense / sizeof nonsense[0]; i++) {
		file = nonsense[i];
		unconfirmed_look(&gate);
		assert_string_equal(gate.unconfirmed, "");
		assert_string_equal(journal, "log 1 gate: nothing waits to be confirmed any more\n");
	}
	file = "1\n";
	unconfirmed_look(&gate);
	assert_non_null(strstr(gate.unconfirmed, "1970-01-01T00:00:01Z"));
	file = "4294967294\n";
	unconfirmed_look(&gate);
	assert_non_null(strstr(gate.unconfirmed, "2106"));
	file = NULL;
	unconfirmed_look(&gate);
	assert_string_equal(gate.unconfirmed, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_it_is_told)};

	return cmocka_run_group_tests_name("unconfirmed", tests, NULL, NULL);
}
