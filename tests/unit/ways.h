/* One of the ways that a thing can go, in words that a test's stand-ins look at. */
#ifndef TESTS_UNIT_WAYS_H
#define TESTS_UNIT_WAYS_H

#include "journal.h"

/* Words: "!name" makes that call fail, "!name-once" only the first time. */
static const char *so = "";
static char failed[1024]; /* those that did, once */

static inline bool has_word(const char *words, const char *word)
{
	size_t length = strlen(word);

	for (const char *at = words; (at = strstr(at, word)) != NULL; at++)
		if ((at == words || at[-1] == ' ') && (at[length] == ' ' || at[length] == '\0'))
			return true;
	return false;
}

static inline bool is(const char *word)
{
	return has_word(so, word);
}

static inline bool fails(const char *name)
{
	char always[64], once[64];

	snprintf(always, sizeof always, "!%s", name);
	snprintf(once, sizeof once, "!%s-once", name);
	if (is(always))
		return true;
	if (!is(once) || has_word(failed, once))
		return false;
	strcat(failed, once);
	strcat(failed, " ");
	return true;
}

/* In a stand-in with a `struct err *e`: as fails(), and `e` says so. */
#define FAILS(name) (fails(name) && (err_set(e, "%s fails", name), true))

#endif
