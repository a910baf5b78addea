/* What is logged is a line of the journal. */
#ifndef TESTS_UNIT_LOG_JOURNAL_H
#define TESTS_UNIT_LOG_JOURNAL_H

#include "base/log.h"
#include "journal.h"

void log_line(enum log_level level, const char *room, const char *format, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof text, format, ap);
	va_end(ap);
	say("log %d %s: %s", (int)level, room, text);
}

#endif
