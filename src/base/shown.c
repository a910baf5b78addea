/* What others wrote, as a terminal and a shell may see it. */
#include "base/shown.h"

#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include "base/text.h"

enum { LINE_SIZE = 8192 };

/* One character of UTF-8 in its shortest form; its length, or 0. */
static size_t decode(const unsigned char *from, uint32_t *character)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t length = from[0] < 0x80             ? 1
			: (from[0] & 0xe0) == 0xc0 ? 2
			: (from[0] & 0xf0) == 0xe0 ? 3
			: (from[0] & 0xf8) == 0xf0 ? 4
						   : 0;

	if (length < 2) {
		*character = from[0];
		return length;
	}
	*character = from[0] & (0x7fU >> length);
	for (size_t i = 1; i < length; i++) {
		if ((from[i] & 0xc0) != 0x80)
			return 0;
		*character = *character << 6 | (from[i] & 0x3f);
	}
	return *character >= least[length] ? length : 0;
}

static bool is_harmless(uint32_t character)
{
	/* Controls; marks without width and of direction; line ends; surrogates; tags. */
	static const uint32_t harmful[][2] = {{0x00, 0x1f},     {0x7f, 0x9f},     {0xad, 0xad},
					      {0x61c, 0x61c},   {0x180e, 0x180e}, {0x200b, 0x200f},
					      {0x2028, 0x202e}, {0x2060, 0x206f}, {0xd800, 0xdfff},
					      {0xfeff, 0xfeff}, {0xfff9, 0xffff}, {0xe0000, 0xffffffff}};

	for (size_t i = 0; i < sizeof harmful / sizeof *harmful; i++) {
		if (character >= harmful[i][0] && character <= harmful[i][1])
			return false;
	}
	return true;
}

bool shown_is_plain(const char *text)
{
	const unsigned char *at = (const unsigned char *)text;
	uint32_t character;

	while (*at != '\0') {
		size_t length = decode(at, &character);

		if (length == 0 || !is_harmless(character))
			return false;
		at += length;
	}
	return true;
}

const char *shown(char *to, size_t size, const char *text)
{
	if (!shown_is_plain(text) || text_copy(to, size, text) == -1)
		text_escape(to, size, text, strlen(text));
	return to;
}

void shown_print(FILE *to, const char *format, ...)
{
	char raw[LINE_SIZE], line[4 * LINE_SIZE];
	va_list ap;

	va_start(ap, format);
	vsnprintf(raw, sizeof raw, format, ap);
	va_end(ap);
	fprintf(to, "%s\n", shown(line, sizeof line, raw));
}

static bool needs_no_quotes(const char *text)
{
	static const char safe[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/._+,:@%-";

	return text[0] != '\0' && text[0] != '-' && text[strspn(text, safe)] == '\0';
}

const char *shown_word(char *to, size_t size, const char *text)
{
	bool plain = shown_is_plain(text), bare = needs_no_quotes(text);
	size_t used = 0;
	int cut = text_append(to, size, &used, "%s", bare ? "" : plain ? "'" : "$'");

	for (const char *at = text; *at != '\0' && cut == 0; at++) {
		unsigned char byte = (unsigned char)*at;

		if (plain && byte == '\'')
			cut = text_append(to, size, &used, "'\\''");
		else if (!plain && (byte < 0x20 || byte > 0x7e || byte == '\'' || byte == '\\'))
			cut = text_append(to, size, &used, "\\%03o", byte);
		else
			cut = text_append(to, size, &used, "%c", byte);
	}
	if (cut == 0)
		cut = text_append(to, size, &used, "%s", bare ? "" : "'");
	return cut == 0 ? to : NULL;
}
