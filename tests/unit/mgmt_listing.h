/* What the tests of openvpn-mgmt share: events as text, and the daemon's lexer. */
#ifndef TESTS_MGMT_LISTING_H
#define TESTS_MGMT_LISTING_H

#include "openvpn-mgmt/session.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct listing {
	char *text;
	size_t used, size;
	unsigned count[OVM_KINDS];
};

__attribute__((format(printf, 2, 3))) static inline void list(struct listing *to, const char *format, ...)
{
	va_list ap;
	int length;

	if (to->size - to->used < OVM_LINE_MAX * 5) {
		to->size = to->size * 2 + OVM_LINE_MAX * 10;
		to->text = realloc(to->text, to->size);
		if (to->text == NULL)
			abort();
	}
	va_start(ap, format);
	length = vsnprintf(to->text + to->used, to->size - to->used, format, ap);
	va_end(ap);
	to->used += (size_t)length;
}

static inline void list_bytes(struct listing *to, const char *bytes)
{
	for (; *bytes != '\0'; bytes++)
		if ((unsigned char)*bytes < 0x20 || (unsigned char)*bytes >= 0x7f)
			list(to, "\\x%02x", (unsigned char)*bytes);
		else
			list(to, "%c", *bytes);
}

/* KIND [number] [in out] [ok|failed command] |field|field ...; missing fields at the end are left out */
static inline void list_event(const struct ovm_event *event, void *argument)
{
	struct listing *to = argument;
	int last = OVM_FIELDS;

	to->count[event->kind]++;
	list(to, "%s", ovm_kind_name(event->kind));
	if (event->number != 0)
		list(to, " %" PRId64, event->number);
	if (event->in != 0 || event->out != 0)
		list(to, " in %" PRIu64 " out %" PRIu64, event->in, event->out);
	if (event->kind == OVM_REPLY)
		list(to, event->ok ? " ok" : " failed");
	if (*event->command != '\0')
		list(to, " (%s)", event->command);
	while (last > 0 && *event->field[last - 1] == '\0')
		last--;
	for (int i = 0; i < last; i++) {
		list(to, " |");
		list_bytes(to, event->field[i]);
	}
	list(to, "\n");
}

/* Words as the daemon reads them; -1: one of its syntax errors. `words` point into `store`. */
static inline int lex(const char *line, char *store, size_t size, const char *words[OVM_WORDS_MAX + 1])
{
	enum { BETWEEN, PLAIN, DOUBLE, SINGLE } state = BETWEEN;
	char *start = store, *to = store;
	int count = 0;

	words[0] = NULL;
	for (;; line++) {
		unsigned char c = (unsigned char)*line;

		if (state == BETWEEN && (c == '#' || c == ';'))
			return count;
		if (c == '\0' && (state == DOUBLE || state == SINGLE))
			return -1;
		if (state == BETWEEN && (c == ' ' || c == '\0')) {
			if (c == '\0')
				return count;
			continue;
		}
		if (state == BETWEEN) {
			start = to;
			state = c == '"' ? DOUBLE : c == '\'' ? SINGLE : PLAIN;
			if (c == '"' || c == '\'')
				continue;
		}
		if ((state == PLAIN && (c == ' ' || c == '\0')) || (state == DOUBLE && c == '"') ||
		    (state == SINGLE && c == '\'')) {
			*to++ = '\0';
			if (strlen(start) > 256) /* the encoder stays one below */
				return -1;
			if (count < OVM_WORDS_MAX) {
				words[count++] = start;
				words[count] = NULL;
			}
			if (c == '\0')
				return count;
			state = BETWEEN;
			continue;
		}
		if (c == '\\' && state != SINGLE) {
			c = (unsigned char)*++line;
			if (c != '\\' && c != '"' && c != ' ')
				return -1;
		}
		if ((size_t)(to - store) + 2 >= size)
			return -1;
		*to++ = (char)c;
	}
}

#endif
