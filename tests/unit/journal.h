/* The calls of a test's stand-ins, in their order. */
#ifndef TESTS_UNIT_JOURNAL_H
#define TESTS_UNIT_JOURNAL_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

enum { JOURNAL = 256 * 1024 };

static char own_journal[JOURNAL], *journal = own_journal;

/* A line. */
static inline void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
static inline void say(const char *format, ...)
{
	size_t used = strlen(journal);
	va_list ap;

	va_start(ap, format);
	used += (size_t)vsnprintf(journal + used, JOURNAL - used, format, ap);
	va_end(ap);
	if (used < JOURNAL - 1)
		strcpy(journal + used, "\n");
}

/* Were both asked, the first one first? */
static inline bool is_before(const char *first, const char *second)
{
	const char *a = strstr(journal, first), *b = strstr(journal, second);

	return a != NULL && b != NULL && a < b;
}

#endif
