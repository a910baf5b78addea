/* What a test's stand-ins were asked, in its order. */
#ifndef TESTS_UNIT_JOURNAL_H
#define TESTS_UNIT_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

static char journal[256 * 1024];

/* Were both asked, the first one first? */
static inline bool is_before(const char *first, const char *second)
{
	const char *a = strstr(journal, first), *b = strstr(journal, second);

	return a != NULL && b != NULL && a < b;
}

#endif
