/* portcullis.conf as text: one key is set, every other byte stays. The syntax is libConfuse's. */
#include "ctl/conf_edit.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum kind { END, SIGN, WORD, REMARK, OPEN };

struct token {
	enum kind kind;
	const char *at;
	size_t length;
};

/* The length of a quoted string, both quotes included; 0: it does not end. Between
 * double quotes ${...} is one word, whatever it contains. */
static size_t quoted(const char *at)
{
	for (size_t i = 1; at[i] != '\0'; i++) {
		const char *brace =
		    at[0] == '"' && strncmp(at + i, "${", 2) == 0 ? strchr(at + i, '}') : NULL;

		if (at[i] == at[0])
			return i + 1;
		if (brace != NULL)
			i = (size_t)(brace - at);
		else if (at[i] == '\\' && at[i + 1] != '\0')
			i++;
	}
	return 0;
}

static struct token enclosed(enum kind kind, const char *at, const char *end, size_t closing)
{
	if (end == NULL)
		return (struct token){OPEN, at, 0};
	return (struct token){kind, at, (size_t)(end - at) + closing};
}

static struct token next_token(const char *at)
{
	size_t length;

	at += strspn(at, " \t\n\r");
	if (*at == '\0')
		return (struct token){END, at, 0};
	if (*at == '#' || strncmp(at, "//", 2) == 0)
		return (struct token){REMARK, at, strcspn(at, "\n")};
	if (strncmp(at, "/*", 2) == 0)
		return enclosed(REMARK, at, strstr(at + 2, "*/"), 2);
	if (strncmp(at, "${", 2) == 0)
		return enclosed(WORD, at, strchr(at, '}'), 1);
	if (*at == '"' || *at == '\'') {
		length = quoted(at);
		return (struct token){length == 0 ? OPEN : WORD, at, length};
	}
	if (strchr("={}()+,*", *at) != NULL)
		return (struct token){SIGN, at, 1};
	return (struct token){WORD, at, strcspn(at, " #\"'\t\n\r={}()+,*")};
}

/* The key with or without quotes; escapes in a key are not recognized. */
static bool is_key(const struct token *token, const char *key)
{
	size_t length = strlen(key), quote = token->at[0] == '"' || token->at[0] == '\'' ? 1 : 0;

	return token->kind == WORD && token->length == length + 2 * quote &&
	       memcmp(token->at + quote, key, length) == 0;
}

static bool is_sign(const struct token *token, char sign)
{
	return token->kind == SIGN && token->at[0] == sign;
}

/* Finds what stands between `key =` and the next word, or the end. -1: the text is incomplete. */
static int find_value(const char *text, const char *key, struct token *value, struct err *e)
{
	struct token before = {END, text, 0}, last = before, token = before;
	int depth = 0;

	*value = before;
	for (;;) {
		token = next_token(token.at + token.length);
		if (value->kind == END && depth == 0 && is_key(&before, key) && is_sign(&last, '=')) {
			if (token.kind != WORD)
				return err_set(e, "%s has no value; instead: fix the file", key);
			*value = token;
		}
		depth += is_sign(&token, '{') - is_sign(&token, '}');
		if (token.kind == OPEN || depth < 0 || (token.kind == END && depth != 0))
			return err_set(e,
				       "a quote, a brace or a comment is not closed; instead: fix the file");
		if (token.kind == END) {
			if (value->kind == END)
				*value = token;
			return 0;
		}
		if (token.kind != REMARK) {
			before = last;
			last = token;
		}
	}
}

static bool is_plain(const char *value)
{
	for (const char *at = value; *at != '\0'; at++) {
		if ((unsigned char)*at < 0x20 || *at == 0x7f || strchr("\"\\$", *at) != NULL)
			return false;
	}
	return true;
}

char *conf_edit(const char *text, const char *key, const char *value, struct err *e)
{
	size_t length = strlen(text), size = length + strlen(key) + strlen(value) + sizeof "\n = \"\"\n";
	struct token old;
	char *edited;

	if (!is_plain(value)) {
		err_set(e, "%s can't be \"%s\" in portcullis.conf; instead: a plain name", key, value);
		return NULL;
	}
	if (find_value(text, key, &old, e) == -1)
		return NULL;
	if ((edited = malloc(size)) == NULL) {
		err_set(e, "no memory");
		return NULL;
	}
	if (old.kind == END)
		snprintf(edited, size, "%s%s%s = \"%s\"\n", text,
			 length > 0 && text[length - 1] != '\n' ? "\n" : "", key, value);
	else
		snprintf(edited, size, "%.*s\"%s\"%s", (int)(old.at - text), text, value,
			 old.at + old.length);
	return edited;
}
