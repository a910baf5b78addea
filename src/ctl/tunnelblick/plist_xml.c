/* An XML property list, as Apple writes it and plist(5) describes it: a strict reader
 * of that part of XML and of nothing else. */
#include <stdbool.h>
#include <string.h>

#include "base/text.h"
#include "ctl/tunnelblick/plist.h"

enum { NAME_SIZE = 16, DEPTH_MAX = 64 };

struct reader {
	const char *at, *end;
	struct err *e;
};

enum tag_kind { TAG_BEGIN, TAG_END, TAG_EMPTY };
struct tag {
	enum tag_kind kind;
	char name[NAME_SIZE];
};

static bool is_blank(char byte)
{
	return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

static bool begins(const struct reader *reader, const char *word)
{
	size_t length = strlen(word);

	return (size_t)(reader->end - reader->at) >= length && memcmp(reader->at, word, length) == 0;
}

/* Moves behind the next `word`; -1: there is none. */
static int skip_to(struct reader *reader, const char *word)
{
	const char *found = memmem(reader->at, (size_t)(reader->end - reader->at), word, strlen(word));

	if (found == NULL)
		return err_set(reader->e, "a property list that ends too early");
	reader->at = found + strlen(word);
	return 0;
}

/* Blanks, comments, <?xml ...?> and <!DOCTYPE ...> without declarations of its own. */
static int skip_between(struct reader *reader)
{
	for (;;) {
		const char *from = reader->at;

		while (reader->at < reader->end && is_blank(*reader->at))
			reader->at++;
		if (begins(reader, "<!--") && skip_to(reader, "-->") == -1)
			return -1;
		if (begins(reader, "<?") && skip_to(reader, "?>") == -1)
			return -1;
		if (begins(reader, "<!DOCTYPE")) {
			const char *declared = reader->at;

			if (skip_to(reader, ">") == -1)
				return -1;
			if (memchr(declared, '[', (size_t)(reader->at - declared)) != NULL)
				return err_set(reader->e, "a property list that declares entities");
		}
		if (reader->at == from)
			return 0;
	}
}

/* The next tag; attributes are ignored. */
static int read_tag(struct reader *reader, struct tag *tag)
{
	const char *from, *end;
	size_t length;

	if (skip_between(reader) == -1)
		return -1;
	if (!begins(reader, "<") ||
	    (end = memchr(reader->at, '>', (size_t)(reader->end - reader->at))) == NULL)
		return err_set(reader->e, "not a property list");
	from = reader->at + 1;
	reader->at = end + 1;
	tag->kind = *from == '/' ? TAG_END : end[-1] == '/' ? TAG_EMPTY : TAG_BEGIN;
	from += tag->kind == TAG_END;
	end -= tag->kind == TAG_EMPTY;
	for (length = 0; from + length < end && !is_blank(from[length]); length++)
		;
	if (length == 0 || length >= sizeof tag->name)
		return err_set(reader->e, "not a property list: an unknown tag");
	memcpy(tag->name, from, length);
	tag->name[length] = '\0';
	return 0;
}

static bool is_tag(const struct tag *tag, enum tag_kind kind, const char *name)
{
	return tag->kind == kind && strcmp(tag->name, name) == 0;
}

/* "&amp;", "&#8364;" and the like, from behind the '&' to the ';'. 0: none. */
static unsigned long reference(const char *from, size_t length)
{
	static const struct {
		const char *name;
		char character;
	} names[] = {{"lt", '<'}, {"gt", '>'}, {"amp", '&'}, {"quot", '"'}, {"apos", '\''}};
	bool hexadecimal = length > 1 && from[0] == '#' && from[1] == 'x';
	unsigned long number = 0;

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		if (strlen(names[i].name) == length && memcmp(from, names[i].name, length) == 0)
			return (unsigned char)names[i].character;
	}
	if (length < 2 || from[0] != '#' || length > 9)
		return 0;
	for (size_t i = hexadecimal ? 2 : 1; i < length; i++) {
		static const char digits[] = "0123456789abcdef0123456789ABCDEF";
		const char *digit = memchr(digits, from[i], sizeof digits - 1);
		unsigned long value = digit != NULL ? (unsigned long)(digit - digits) % 16 : 16;

		if (value >= (hexadecimal ? 16U : 10U))
			return 0;
		number = number * (hexadecimal ? 16 : 10) + value;
	}
	return number;
}

/* Text up to the next tag. *fits: false if it was too long, and is cut. */
static int read_text(struct reader *reader, char *text, bool *fits)
{
	size_t used = 0;

	*fits = true;
	text[0] = '\0';
	while (reader->at < reader->end && *reader->at != '<') {
		const char *semicolon;
		unsigned long character;

		if (*reader->at == '\0')
			return err_set(reader->e, "not a property list: it contains a NUL");
		if (*reader->at != '&') {
			/* UTF-8 is copied unchanged. */
			if (used + 1 < PLIST_TEXT_SIZE)
				text[used++] = *reader->at;
			else
				*fits = false;
			text[used] = '\0';
			reader->at++;
			continue;
		}
		semicolon = memchr(reader->at, ';', (size_t)(reader->end - reader->at));
		character =
		    semicolon == NULL ? 0 : reference(reader->at + 1, (size_t)(semicolon - reader->at - 1));
		if (character == 0 || character > 0x10ffff)
			return err_set(reader->e, "not a property list: an unknown entity");
		if (plist_add_character(text, &used, character) == -1)
			*fits = false;
		reader->at = semicolon + 1;
	}
	return 0;
}

/* The text of an element that has begun, and its end. */
static int read_element(struct reader *reader, const char *name, char *text, bool *fits)
{
	struct tag tag = {TAG_EMPTY, ""};

	if (read_text(reader, text, fits) == -1 || read_tag(reader, &tag) == -1)
		return -1;
	if (!is_tag(&tag, TAG_END, name))
		return err_set(reader->e, "not a property list: <%s> is not closed", name);
	return 0;
}

/* An <array> or <dict> that has begun, to its end. */
static int skip_container(struct reader *reader)
{
	char text[PLIST_TEXT_SIZE];
	int depth = 1;
	struct tag tag = {TAG_EMPTY, ""};
	bool fits;

	while (depth > 0) {
		if (read_text(reader, text, &fits) == -1 || read_tag(reader, &tag) == -1)
			return -1;
		depth += tag.kind == TAG_BEGIN ? 1 : tag.kind == TAG_END ? -1 : 0;
		if (depth > DEPTH_MAX)
			return err_set(reader->e, "a property list nested too deeply");
	}
	return 0;
}

/* A value whose tag has been read. *known: it is of a kind that is reported, and in `text`. */
static int read_value(struct reader *reader, const struct tag *tag, char *text, bool *known)
{
	const char *name = tag->name;
	bool container = strcmp(name, "array") == 0 || strcmp(name, "dict") == 0,
	     boolean = strcmp(name, "true") == 0 || strcmp(name, "false") == 0;

	text[0] = '\0';
	*known = strcmp(name, "string") == 0 || strcmp(name, "integer") == 0 || strcmp(name, "real") == 0 ||
		 boolean;
	if (tag->kind == TAG_END ||
	    (!*known && !container && strcmp(name, "data") != 0 && strcmp(name, "date") != 0))
		return err_set(reader->e, "not a property list: a key without a value");
	if (tag->kind == TAG_BEGIN) {
		bool fits = true;

		if (container)
			return skip_container(reader);
		if (read_element(reader, name, text, &fits) == -1)
			return -1;
		*known = *known && fits;
	}
	if (boolean)
		text_copy(text, PLIST_TEXT_SIZE, strcmp(name, "true") == 0 ? "1" : "0");
	return 0;
}

int plist_read_xml(const char *bytes, size_t length, plist_value_fn *value_cb, void *argument, struct err *e)
{
	static const char mark[] = "\xef\xbb\xbf";
	struct reader reader = {bytes, bytes + length, e};
	char key[PLIST_TEXT_SIZE], value[PLIST_TEXT_SIZE];
	struct tag tag = {TAG_EMPTY, ""};

	if (begins(&reader, mark))
		reader.at += sizeof mark - 1;
	if (read_tag(&reader, &tag) == -1)
		return -1;
	if (!is_tag(&tag, TAG_BEGIN, "plist"))
		return err_set(e, "not a property list");
	if (read_tag(&reader, &tag) == -1)
		return -1;
	if (is_tag(&tag, TAG_EMPTY, "dict"))
		return 0;
	if (!is_tag(&tag, TAG_BEGIN, "dict"))
		return err_set(e, "a property list that is not a dictionary");
	while (read_tag(&reader, &tag) == 0) {
		bool fits, known;

		if (is_tag(&tag, TAG_END, "dict"))
			return 0;
		if (!is_tag(&tag, TAG_BEGIN, "key"))
			return err_set(e, "not a property list: a value without a key");
		if (read_element(&reader, "key", key, &fits) == -1 || read_tag(&reader, &tag) == -1 ||
		    read_value(&reader, &tag, value, &known) == -1)
			return -1;
		if (fits && known)
			value_cb(key, value, argument);
	}
	return -1;
}
