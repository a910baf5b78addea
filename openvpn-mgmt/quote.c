/* Words as the daemon's lexer reads them back: quoted, with \ before \ and ". */
#include "session.h"

#include <string.h>

bool ovm_printable(const char *text)
{
	for (; *text != '\0'; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			return false;
	return true;
}

/* These never mean anything to the lexer, wherever they stand. */
static bool plain(const char *word)
{
	static const char safe[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				   "-_.:,/@+=%";

	return *word != '\0' && word[strspn(word, safe)] == '\0';
}

static int put(char c, char *to, size_t size, size_t *used)
{
	if (*used + 1 >= size)
		return -1;
	to[(*used)++] = c;
	to[*used] = '\0';
	return 0;
}

int ovm_quote(const char *word, char *to, size_t size, size_t *used)
{
	bool quoted = !plain(word);

	/* The daemon deletes control bytes silently and echoes a parameter that is too long into its log. */
	if (!ovm_printable(word) || strlen(word) > OVM_PARAMETER_MAX)
		return -1;
	if (quoted && put('"', to, size, used) != 0)
		return -1;
	for (; *word != '\0'; word++) {
		if ((*word == '"' || *word == '\\') && put('\\', to, size, used) != 0)
			return -1;
		if (put(*word, to, size, used) != 0)
			return -1;
	}
	return quoted ? put('"', to, size, used) : 0;
}
