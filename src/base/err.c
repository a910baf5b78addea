/* One error: what went wrong, in one line a user can act on. */
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

static void flatten(char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '\n' || *text == '\r')
			*text = ' ';
	}
}

int err_set(struct err *e, const char *format, ...)
{
	va_list ap;

	if (e == NULL)
		return -1;
	va_start(ap, format);
	vsnprintf(e->text, sizeof e->text, format, ap);
	va_end(ap);
	flatten(e->text);
	return -1;
}

size_t err_cause(const char *text)
{
	const char *end = strstr(text, ERR_INSTEAD);

	return end != NULL ? (size_t)(end - text) : strlen(text);
}

int err_errno(struct err *e, const char *format, ...)
{
	int cause = errno;
	char advice[sizeof(struct err)] = "";
	char *end;
	va_list ap;

	if (e == NULL)
		return -1;
	va_start(ap, format);
	vsnprintf(e->text, sizeof e->text, format, ap);
	va_end(ap);
	end = e->text + err_cause(e->text);
	memcpy(advice, end, strlen(end) + 1);
	snprintf(end, (size_t)(e->text + sizeof e->text - end), ": %s%s", strerror(cause), advice);
	flatten(e->text);
	return -1;
}

int err_prefix(struct err *e, const char *format, ...)
{
	char text[sizeof e->text];
	size_t used;
	va_list ap;

	if (e == NULL)
		return -1;
	memcpy(text, e->text, sizeof text);
	va_start(ap, format);
	vsnprintf(e->text, sizeof e->text, format, ap);
	va_end(ap);
	used = strlen(e->text);
	text_append(e->text, sizeof e->text, &used, ": %s", text);
	flatten(e->text);
	return -1;
}
