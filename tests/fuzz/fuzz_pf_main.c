/* Any text as pf's main rules. The result calls our anchor once, before every line that may pass something;
 * and applied to its own result, it changes nothing. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "policy/print.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int condition)
{
	if (!condition)
		abort();
}

/* A line that begins so, NULL if none does. Lines within braces or quotes count: that is stricter. */
static const char *line_with(const char *text, const char *begin)
{
	for (; text != NULL && *text != '\0';
	     text = strchr(text, '\n') != NULL ? strchr(text, '\n') + 1 : NULL)
		if (strncmp(text, begin, strlen(begin)) == 0)
			return text;
	return NULL;
}

/* The first line that may pass something, NULL if none does. `pass = x` and `passage = x` set a macro, in
 * whatever bytes: pfctl takes it for one, or the whole text for an error. */
static const char *line_that_passes(const char *text)
{
	for (text = line_with(text, "pass"); text != NULL; text = line_with(text + 1, "pass")) {
		const char *after = text + strcspn(text, " \t\n=");

		if (after[strspn(after, " \t")] != '=')
			return text;
	}
	return NULL;
}

/* Without quotes, braces, remarks and long lines a line is a rule, whoever reads it. */
static int is_plain(const char *text)
{
	return strpbrk(text, "\"'{}\\#") == NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char standing[PRINT_SIZE], once[2 * PRINT_SIZE], twice[2 * PRINT_SIZE];
	static const char call[] = "\nanchor \"org.portcullis\"\n";
	struct err e = {""};

	if (size >= sizeof standing)
		return 0;
	memcpy(standing, data, size);
	standing[size] = '\0';
	for (int dialect = PF_APPLE; dialect <= PF_FREEBSD; dialect++) {
		if (policy_print_pf_main((enum pf_dialect)dialect, standing, once, sizeof once, &e) == -1) {
			require(e.text[0] != '\0');
			continue;
		}
		require(policy_print_pf_main((enum pf_dialect)dialect, once, twice, sizeof twice, &e) == 0);
		require(strcmp(once, twice) == 0);
		require(strstr(once, call) != NULL);
		if (!is_plain(standing))
			continue;
		require(strstr(strstr(once, call) + 1, call) == NULL);
		require(line_that_passes(once) == NULL || line_that_passes(once) > strstr(once, call));
		require(line_with(once, "anchor org.portcullis\n") == NULL);
	}
	return 0;
}
