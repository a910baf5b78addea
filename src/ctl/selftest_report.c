/* selftest: the report, one line for each thing that was tried. */
#include "ctl/selftest.h"

#include <stdio.h>

#include "base/shown.h"

void selftest_report(struct selftest *test, enum selftest_result result, const char *what, const char *detail)
{
	static const char *const words[] = {"pass", "FAIL", "skip", "info"};

	test->count[result]++;
	shown_print(stdout, "%s  %s%s%s", words[result], what, detail[0] == '\0' ? "" : ": ", detail);
	fflush(stdout); /* the next step may cut the connection of this terminal */
}

bool selftest_judge(struct selftest *test, bool good, const char *what, const struct err *e)
{
	selftest_report(test, good ? SELFTEST_PASS : SELFTEST_FAIL, what, good ? "" : e->text);
	return good;
}
