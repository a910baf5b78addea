/* small_file: where a file lies, and the number in it. */
#include "gate/small_file.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "os/host/file.h"

enum { LINE = 64, NAME_MAX_SIZE = 32 };

const char *small_file_path(const char *folder, const char *name, char *to)
{
	snprintf(to, PATH_MAX, "%.*s/%s", PATH_MAX - NAME_MAX_SIZE, folder, name);
	return to;
}

int small_file_number(const char *path, uint64_t most, uint64_t *number)
{
	char line[LINE];

	if (file_load(path, line, sizeof line) == -1)
		return -1;
	line[strcspn(line, "\n")] = '\0';
	return text_number(line, 1, most, number);
}
