/* What `dscl . -list /Users UniqueID` says: names and numbers. */
#include "os/service/account_dscl_list.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* The line's number, which is its last word; -1 is a number too (nobody is -2). */
static bool line_number(const char *line, size_t length, int64_t *number)
{
	char text[32], rest;
	size_t begin = length;

	while (begin > 0 && line[begin - 1] != ' ' && line[begin - 1] != '\t')
		begin--;
	if (begin == 0 || length - begin >= sizeof text)
		return false;
	snprintf(text, sizeof text, "%.*s", (int)(length - begin), line + begin);
	return sscanf(text, "%9lld%c", (long long *)number, &rest) == 1;
}

int dscl_number_of(const char *listing, const char *name, int64_t *number)
{
	size_t name_length = strlen(name);

	for (const char *at = listing; *at != '\0';) {
		size_t length = strcspn(at, "\n");

		if (length > name_length && strncmp(at, name, name_length) == 0 &&
		    (at[name_length] == ' ' || at[name_length] == '\t') && line_number(at, length, number))
			return 0;
		at += length + (at[length] == '\n');
	}
	return -1;
}

bool dscl_is_free(const char *listing, int64_t number)
{
	for (const char *at = listing; *at != '\0';) {
		size_t length = strcspn(at, "\n");
		int64_t taken;

		if (line_number(at, length, &taken) && taken == number)
			return false;
		at += length + (at[length] == '\n');
	}
	return true;
}
