/* An item of the keychain as security(1) prints it: with -g, one line, by
 * print_buffer of keychain_utilities.c (SecurityTool):
 *
 *   password: "TEXT"               printable and without '\'; a '"' stands for itself
 *   password: 0xHEX  "ESCAPED"     anything else; the second part may be missing
 *
 * -w would print the hex digits alone, and a password of hex digits the same. */
#include "os/host/keychain_item.h"

#include <string.h>

static const char label[] = "password: ";

bool keychain_item_has(const char *output)
{
	return strstr(output, "password:") != NULL;
}

/* The whole line after the label, or NULL; a line without its end is cut. */
static const char *find_line(const char *output, const char **end)
{
	for (const char *at = output; at != NULL && *at != '\0'; at = *end == NULL ? NULL : *end + 1) {
		*end = strchr(at, '\n');
		if (*end != NULL && strncmp(at, label, sizeof label - 1) == 0)
			return at + sizeof label - 1;
	}
	return NULL;
}

static int digit(char c)
{
	static const char digits[] = "0123456789ABCDEF";
	const char *at = c == '\0' ? NULL : strchr(digits, c);

	return at == NULL ? -1 : (int)(at - digits);
}

static size_t read_hex(const char *at, const char *end, char *secret)
{
	size_t length = 0;

	for (; at < end && *at != ' '; at += 2) {
		int high = digit(at[0]), low = end - at > 1 ? digit(at[1]) : -1;

		if (high == -1 || low == -1 || length == KEYCHAIN_SECRET)
			return 0;
		secret[length++] = (char)(high << 4 | low);
	}
	/* Behind it the same once more, for people. */
	return at == end || (end - at >= 2 && at[1] == ' ') ? length : 0;
}

static size_t read_text(const char *at, const char *end, char *secret)
{
	size_t length;

	if (end - at < 3 || at[0] != '"' || end[-1] != '"')
		return 0;
	length = (size_t)(end - at) - 2;
	if (length > KEYCHAIN_SECRET)
		return 0;
	memcpy(secret, at + 1, length);
	return length;
}

size_t keychain_item_read(const char *output, char *secret)
{
	const char *end = NULL, *at = find_line(output, &end);
	size_t length = 0;

	if (at != NULL)
		length =
		    strncmp(at, "0x", 2) == 0 ? read_hex(at + 2, end, secret) : read_text(at, end, secret);
	if (length == 0)
		secret_wipe_bytes(secret, KEYCHAIN_SECRET);
	return length;
}
