/* Splits a profile into lines and a line into words, as openvpn's own reader does; what openvpn reads in
 * a surprising way is refused. */
#include "profile/lexer.h"

#include <string.h>

static bool is_blank(char byte)
{
	return byte == ' ' || byte == '\t';
}

void lex_begin(struct lex_lines *lines, const char *bytes, size_t length)
{
	static const char mark[] = "\xef\xbb\xbf";

	lines->at = bytes;
	lines->end = bytes + length;
	lines->number = 0;
	if (length >= 3 && memcmp(bytes, mark, 3) == 0)
		lines->at += 3;
}

int lex_line(struct lex_lines *lines, const char **line, size_t *length, struct err *e)
{
	const char *stop;

	if (lines->at == lines->end)
		return 0;
	lines->number++;
	*line = lines->at;
	stop = memchr(lines->at, '\n', (size_t)(lines->end - lines->at));
	lines->at = stop == NULL ? lines->end : stop + 1;
	if (stop == NULL)
		stop = lines->end;
	if (stop > *line && stop[-1] == '\r')
		stop--;
	*length = (size_t)(stop - *line);
	for (const char *at = *line; at < stop; at++) {
		unsigned char byte = (unsigned char)*at;

		/* openvpn ends a line at NUL, and takes VT and FF for blanks. */
		if (byte == '\r')
			return err_set(e,
				       "a CR that does not end a line; instead: end lines with LF or CR LF");
		if ((byte < 0x20 && byte != '\t') || byte == 0x7f)
			return err_set(e, "control byte 0x%02x; instead: plain text", byte);
	}
	return 1;
}

void lex_trim(const char **line, size_t *length)
{
	while (*length > 0 && is_blank(**line)) {
		(*line)++;
		(*length)--;
	}
	while (*length > 0 && is_blank((*line)[*length - 1]))
		(*length)--;
}

/* The byte after a backslash at `at`; false if openvpn knows no such escape. */
static bool escaped(const char *at, const char *end, struct err *e)
{
	if (at + 1 == end) {
		err_set(e,
			"'\\' at the end of the line: openvpn does not join lines; instead: one long line");
		return false;
	}
	if (at[1] != '\\' && at[1] != '"' && !is_blank(at[1])) {
		err_set(e, "'\\' before a byte other than '\\', '\"' and a blank; instead: '\\\\'");
		return false;
	}
	return true;
}

/* Reads from after an opening quote to after the closing one. */
static const char *read_quoted(const char *at, const char *end, char quote, char **to, struct err *e)
{
	for (; at < end && *at != quote; at++) {
		if (quote == '"' && *at == '\\') {
			if (!escaped(at, end, e))
				return NULL;
			at++;
		}
		*(*to)++ = *at;
	}
	if (at == end) {
		err_set(e, "no closing quotation mark (%c); instead: one at the word's end", quote);
		return NULL;
	}
	return at + 1;
}

static const char *read_plain(const char *at, const char *end, char **to, struct err *e)
{
	if (*at == '\\' && at + 1 < end && is_blank(at[1])) {
		err_set(
		    e,
		    "'\\' before a blank at the start of a word: openvpn drops it; instead: quotation marks");
		return NULL;
	}
	for (; at < end && !is_blank(*at); at++) {
		if (*at == '\\') {
			if (!escaped(at, end, e))
				return NULL;
			at++;
		}
		*(*to)++ = *at;
	}
	return at;
}

int lex_words(const char *line, size_t length, struct lex_words *words, struct err *e)
{
	const char *at = line, *end = line + length;
	char *to = words->bytes;

	words->count = 0;
	words->word[0] = NULL;
	lex_trim(&at, &length);
	if (length == 0 || *at == '#' || *at == ';')
		return 0;
	if (end - line > LEX_LINE_MAX)
		return err_set(e, "longer than %d bytes, openvpn's limit; instead: a shorter line",
			       LEX_LINE_MAX);
	for (;;) {
		while (at < end && is_blank(*at))
			at++;
		if (at == end || *at == '#' || *at == ';')
			return 0;
		if (words->count == LEX_WORDS)
			return err_set(e, "more than %d arguments, openvpn's limit; instead: fewer",
				       LEX_WORDS);
		words->word[words->count++] = to;
		words->word[words->count] = NULL;
		if (*at == '"' || *at == '\'')
			at = read_quoted(at + 1, end, *at, &to, e);
		else
			at = read_plain(at, end, &to, e);
		if (at == NULL)
			return -1;
		*to++ = '\0';
	}
}
