/* A text against its golden file. A change is made on purpose: `PORTCULLIS_GOLDEN=write
 * build/test/test_NAME`, then read the diff. */
#ifndef TESTS_UNIT_GOLDEN_H
#define TESTS_UNIT_GOLDEN_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GOLDEN_TEXT = 256 * 1024 };

static inline void golden_write(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	if (file == NULL || fputs(text, file) == EOF || fclose(file) == EOF)
		fail_msg("%s: can't write", path);
}

/* `path` from the top of the tree. Tells the first line that differs. */
static inline void assert_golden(const char *path, const char *text)
{
	static char golden[GOLDEN_TEXT];
	const char *wanted = getenv("PORTCULLIS_GOLDEN");
	size_t length, line = 1, i = 0, begun = 0;
	FILE *file;

	if (wanted != NULL && strcmp(wanted, "write") == 0)
		golden_write(path, text);
	if ((file = fopen(path, "r")) == NULL)
		fail_msg("%s: can't open", path);
	length = fread(golden, 1, sizeof golden - 1, file);
	fclose(file);
	golden[length] = '\0';
	for (; golden[i] != '\0' && golden[i] == text[i]; i++) {
		if (golden[i] == '\n')
			line++, begun = i + 1;
	}
	if (golden[i] != text[i])
		fail_msg("%s:%zu: \"%.*s\" is now \"%.*s\"", path, line, (int)strcspn(golden + begun, "\n"),
			 golden + begun, (int)strcspn(text + begun, "\n"), text + begun);
}

#endif
