/* What the doctor reads, decoded: certificates, versions, resolv.conf, NetworkManager's files. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/text.h"
#include "ctl/doctor/judge.h"

static const char *after(const char *line, const char *prefix)
{
	size_t length = strlen(prefix);

	return strncmp(line, prefix, length) == 0 ? line + length : NULL;
}

static size_t line_length(const char *line)
{
	return strcspn(line, "\n");
}

/* "Jan  1 00:00:00 2030 GMT" */
static bool date_read(const char *from, int64_t *seconds)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	char month[4] = "";
	struct tm tm = {.tm_isdst = 0};
	const char *at;

	if (sscanf(from, "%3s %2d %2d:%2d:%2d %4d GMT", month, &tm.tm_mday, &tm.tm_hour, &tm.tm_min,
		   &tm.tm_sec, &tm.tm_year) != 6 ||
	    strlen(month) != 3 || (at = strstr(months, month)) == NULL || (at - months) % 3 != 0)
		return false;
	tm.tm_mon = (int)(at - months) / 3;
	tm.tm_year -= 1900;
	*seconds = (int64_t)timegm(&tm);
	return true;
}

bool certificate_read(const char *output, struct certificate *certificate)
{
	bool from = false, until = false;
	const char *value;

	memset(certificate, 0, sizeof *certificate);
	for (; *output != '\0'; output += line_length(output) + (output[line_length(output)] == '\n')) {
		if ((value = after(output, "subject=")) != NULL && certificate->subject[0] == '\0')
			snprintf(certificate->subject, sizeof certificate->subject, "%.*s",
				 (int)line_length(value), value);
		else if ((value = after(output, "notBefore=")) != NULL && !from)
			from = date_read(value, &certificate->from);
		else if ((value = after(output, "notAfter=")) != NULL && !until)
			until = date_read(value, &certificate->until);
	}
	return from && until;
}

/* "<ca>" begins the block "ca", "</ca>" ends it. */
static void follow_block(const char *line, char *block, size_t size)
{
	size_t length = line_length(line);

	if (length > 2 && line[0] == '<' && line[length - 1] == '>')
		snprintf(block, size, "%.*s", line[1] == '/' ? 0 : (int)(length - 2), line + 1);
}

bool pem_next(const char **at, struct pem *pem)
{
	static const char begin[] = "-----BEGIN CERTIFICATE-----", end[] = "-----END CERTIFICATE-----";
	const char *line = *at, *last;

	for (; *line != '\0'; line += line_length(line) + (line[line_length(line)] == '\n')) {
		follow_block(line, pem->block, sizeof pem->block);
		if (after(line, begin) == NULL)
			continue;
		if ((last = strstr(line, end)) == NULL)
			break;
		pem->begin = line;
		pem->length = (size_t)(last - line) + sizeof end - 1;
		*at = last + line_length(last);
		return true;
	}
	*at = line + strlen(line);
	return false;
}

bool version_read(const char *output, unsigned *part)
{
	const char *at = after(output, "OpenVPN ");

	part[0] = part[1] = part[2] = 0;
	for (int i = 0; at != NULL && i < 3; i++) {
		if (!isdigit((unsigned char)*at))
			return false;
		while (isdigit((unsigned char)*at) && part[i] < 1000)
			part[i] = part[i] * 10 + (unsigned)(*at++ - '0');
		if (*at != '.')
			return i > 0;
		at++;
	}
	return at != NULL;
}

size_t resolv_read(const char *text, struct net_address *servers, size_t room)
{
	size_t count = 0;

	for (; *text != '\0'; text += line_length(text) + (text[line_length(text)] == '\n')) {
		const char *value = after(text, "nameserver");
		char word[NET_ADDRESS_TEXT + 1];
		struct net_address address;

		if (value == NULL || (*value != ' ' && *value != '\t'))
			continue;
		value += strspn(value, " \t");
		snprintf(word, sizeof word, "%.*s", (int)strcspn(value, " \t\r\n%#;"), value);
		if (net_address_parse(word, &address) == -1)
			continue;
		if (count < room)
			servers[count] = address;
		count++;
	}
	return count;
}

static void trim(const char **from, size_t *length)
{
	while (*length > 0 && strchr(" \t\r", **from) != NULL) {
		(*from)++;
		(*length)--;
	}
	while (*length > 0 && strchr(" \t\r", (*from)[*length - 1]) != NULL)
		(*length)--;
}

static bool equals(const char *from, size_t length, const char *word)
{
	return strlen(word) == length && strncmp(from, word, length) == 0;
}

bool keyfile_get(const char *text, const char *section, const char *key, char *value, size_t size)
{
	bool inside = false, found = false;

	for (size_t whole; *text != '\0'; text += whole + (text[whole] == '\n')) {
		const char *line = text, *equal, *right;
		size_t length = whole = line_length(text), left;

		trim(&line, &length);
		if (length > 1 && line[0] == '[' && line[length - 1] == ']')
			inside = equals(line + 1, length - 2, section);
		if (!inside || (equal = memchr(line, '=', length)) == NULL)
			continue;
		left = (size_t)(equal - line);
		right = equal + 1;
		length -= left + 1;
		trim(&line, &left);
		trim(&right, &length);
		if (equals(line, left, key)) {
			snprintf(value, size, "%.*s", (int)length, right);
			found = true;
		}
	}
	return found;
}
