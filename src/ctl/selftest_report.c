/* selftest: the report, a line for each thing that was tried. */
#include "ctl/selftest.h"

#include <stdio.h>

void selftest_say(struct selftest *test, enum selftest_result result, const char *what, const char *detail)
{
	static const char *const words[] = {"pass", "FAIL", "skip", "info"};

	test->count[result]++;
	printf("%s  %s%s%s\n", words[result], what, detail[0] == '\0' ? "" : ": ", detail);
	fflush(stdout); /* what comes next may cut the terminal's own connection */
}

bool selftest_judge(struct selftest *test, bool good, const char *what, const struct err *e)
{
	selftest_say(test, good ? SELFTEST_PASS : SELFTEST_FAIL, what, good ? "" : e->text);
	return good;
}
