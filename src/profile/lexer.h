/* Splits a profile into lines and a line into words, as openvpn's own reader does;
 * what openvpn reads in a surprising way is refused. */
#ifndef PROFILE_LEXER_H
#define PROFILE_LEXER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

enum { LEX_WORDS = 16, LEX_LINE_MAX = 255 }; /* openvpn's own limits */

struct lex_lines {
	const char *at, *end;
	int number; /* of the line last taken; 0 before the first */
};

struct lex_words {
	size_t count;
	char *word[LEX_WORDS + 1]; /* NULL after the last */
	char bytes[LEX_LINE_MAX + LEX_WORDS + 2];
};

/* Starts at the first line; a byte order mark is skipped. */
void lex_begin(struct lex_lines *lines, const char *bytes, size_t length);

/* The next line without its end: 1; 0 at the end; -1 and `e` at a byte that
 * does not belong in a text (NUL, control bytes except TAB, a CR alone). */
int lex_line(struct lex_lines *lines, const char **line, size_t *length, struct err *e);

/* Splits a line: 0 (count may be 0: blank or a comment), or -1 and `e`. */
int lex_words(const char *line, size_t length, struct lex_words *words, struct err *e);

/* Removes blanks at both ends. */
void lex_trim(const char **line, size_t *length);

#endif
