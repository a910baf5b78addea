/* The canonical form of a profile, checked line by line (see canonical.h). */
#include "base/canonical.h"

#include <string.h>
#include <strings.h>

#include "base/text.h"

enum { BLOCK_ONLY = -1, BLOCK_LINE_MAX = 100, REMOTE_LINE_MAX = 2048, SETTING_LINE_MAX = 64 };

/* No name in here runs code, names a file or changes who openvpn talks to. */
static const struct {
	const char *name;
	int arguments; /* at most; BLOCK_ONLY: never a line */
	bool block;
} allowed[] = {
    /* clang-format off */
    {"allow-compression", 1, 0}, {"allow-recursive-routing", 0, 0}, {"auth", 1, 0},
    {"auth-user-pass", 0, 0}, {"block-ipv6", 0, 0}, {"ca", BLOCK_ONLY, 1}, {"cert", BLOCK_ONLY, 1},
    {"cipher", 1, 0}, {"client", 0, 0}, {"client-nat", 4, 0}, {"comp-lzo", 1, 0}, {"comp-noadapt", 0, 0},
    {"compat-mode", 1, 0}, {"compress", 1, 0}, {"crl-verify", BLOCK_ONLY, 1}, {"data-ciphers", 1, 0},
    {"data-ciphers-fallback", 1, 0}, {"dhcp-option", 2, 0}, {"disable-occ", 0, 0}, {"dns", 12, 0},
    {"extra-certs", BLOCK_ONLY, 1}, {"fragment", 2, 0}, {"hand-window", 1, 0}, {"ifconfig", 2, 0},
    {"ifconfig-ipv6", 2, 0}, {"ifconfig-nowarn", 0, 0}, {"key", BLOCK_ONLY, 1},
    {"key-direction", 1, 0}, {"link-mtu", 1, 0}, {"max-packet-size", 1, 0}, {"mssfix", 2, 0},
    {"mtu-disc", 1, 0}, {"mtu-test", 0, 0}, {"mute-replay-warnings", 0, 0}, {"ncp-ciphers", 1, 0},
    {"ns-cert-type", 1, 0}, {"peer-fingerprint", 1, 1}, {"ping", 1, 0},
    {"ping-timer-rem", 0, 0}, {"pkcs12", BLOCK_ONLY, 1}, {"providers", 4, 0}, {"pull-filter", 2, 0},
    {"rcvbuf", 1, 0}, {"remote-cert-eku", 1, 0}, {"remote-cert-ku", 15, 0}, {"remote-cert-tls", 1, 0},
    {"reneg-bytes", 1, 0}, {"reneg-pkts", 1, 0}, {"reneg-sec", 2, 0}, {"replay-window", 2, 0},
    {"route", 4, 0}, {"route-gateway", 1, 0}, {"route-ipv6", 3, 0},
    {"route-ipv6-gateway", 1, 0}, {"route-metric", 1, 0}, {"route-nopull", 0, 0}, {"shaper", 1, 0},
    {"session-timeout", 1, 0}, {"single-session", 0, 0}, {"sndbuf", 1, 0}, {"socket-flags", 1, 0}, {"static-challenge", 3, 0},
    {"tcp-nodelay", 0, 0}, {"tls-auth", BLOCK_ONLY, 1}, {"tls-cert-profile", 1, 0}, {"tls-cipher", 1, 0},
    {"tls-ciphersuites", 1, 0}, {"tls-crypt", BLOCK_ONLY, 1}, {"tls-crypt-v2", BLOCK_ONLY, 1},
    {"tls-groups", 1, 0}, {"tls-timeout", 1, 0}, {"tls-version-max", 1, 0}, {"tls-version-min", 2, 0},
    {"topology", 1, 0}, {"tran-window", 1, 0}, {"tun-mtu", 2, 0}, {"tun-mtu-extra", 1, 0},
    {"tun-mtu-max", 1, 0}, {"udp-mtu", 1, 0}, {"up-delay", 0, 0}, {"verify-hash", 2, 1},
    {"verify-x509-name", 2, 0}, {"x509-username-field", 4, 0},
    /* clang-format on */
};

/* What the driver and the gate are told and openvpn is not, by name. */
static const struct {
	const char *name;
	uint32_t min, max;
} settings[] = {
    {"connect-timeout", 1, 3600}, {"dead-peer", 10, 120},           {"hand-window", 1, 3600},
    {"remote-random", 1, 1},      {"server-poll-timeout", 1, 3600},
};

enum { SETTINGS = sizeof settings / sizeof *settings };

/* The row of a name, or -1. */
static int row_of(const char *name, size_t length)
{
	for (size_t i = 0; i < sizeof allowed / sizeof *allowed; i++) {
		if (strlen(allowed[i].name) == length && memcmp(allowed[i].name, name, length) == 0)
			return (int)i;
	}
	return -1;
}

static bool same(const char *text, size_t length, const char *as)
{
	return strlen(as) == length && memcmp(text, as, length) == 0;
}

/* The line at *at without its LF; *at goes past it. NULL: no whole line left. */
static const char *whole_line(const char **at, const char *end, size_t *length)
{
	const char *line = *at, *stop = line < end ? memchr(line, '\n', (size_t)(end - line)) : NULL;

	if (stop == NULL)
		return NULL;
	*length = (size_t)(stop - line);
	*at = stop + 1;
	return line;
}

/* One argument, `at` on its opening quote; returns what follows it or NULL. */
static const char *skip_argument(const char *at, const char *end)
{
	if (at == end || *at++ != '"')
		return NULL;
	for (; at < end; at++) {
		if (*at == '"')
			return at + 1;
		if (*at < 0x20 || *at > 0x7e)
			return NULL;
		if (*at == '\\' && (++at == end || (*at != '\\' && *at != '"')))
			return NULL;
	}
	return NULL;
}

/* A path here would be loaded as code: only OpenSSL's own names. */
static bool is_provider(const char *at, size_t length)
{
	return same(at, length, "\"default\"") || same(at, length, "\"legacy\"") ||
	       same(at, length, "\"fips\"") || same(at, length, "\"base\"");
}

/* Does the argument leave encryption and authentication on? */
static bool is_clothed(const char *name, const char *at, size_t length)
{
	static const char *const lists[] = {"auth", "cipher", "data-ciphers", "data-ciphers-fallback",
					    "ncp-ciphers"};
	static const char tail[] = ":!eNULL:!aNULL\"";

	if (strcmp(name, "tls-cipher") == 0)
		return length >= sizeof tail &&
		       memcmp(at + length - (sizeof tail - 1), tail, sizeof tail - 1) == 0;
	for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
		if (strcmp(name, lists[i]) != 0)
			continue;
		for (size_t j = 0; j + 4 <= length; j++) {
			if (strncasecmp(at + j, "none", 4) == 0 || strncasecmp(at + j, "null", 4) == 0)
				return false;
		}
	}
	return true;
}

/* Returns NULL, or what is wrong with the line. */
static const char *check_option(const char *line, size_t length)
{
	const char *end = line + length, *at = memchr(line, ' ', length), *next;
	int row = row_of(line, at == NULL ? length : (size_t)(at - line)), count = 0;

	if (length > CANONICAL_LINE_MAX)
		return "too long";
	if (row == -1 || allowed[row].arguments == BLOCK_ONLY)
		return "not an allowed option";
	for (at = at == NULL ? end : at; at < end; at = next) {
		if (*at++ != ' ' || (next = skip_argument(at, end)) == NULL)
			return "not a quoted argument";
		if (++count > allowed[row].arguments)
			return "too many arguments";
		if (strcmp(allowed[row].name, "providers") == 0 && !is_provider(at, (size_t)(next - at)))
			return "not a provider's name";
		if (!is_clothed(allowed[row].name, at, (size_t)(next - at)))
			return "turns off encryption or authentication";
	}
	return NULL;
}

/* `line` is "<tag>", *at after it; goes past "</tag>". */
static const char *check_block(const char *line, size_t length, const char **at, const char *end, int *number)
{
	static const char bytes[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=:,. -";
	const char *tag = line + 1;
	int row = length < 3 || line[length - 1] != '>' ? -1 : row_of(tag, length - 2);
	size_t tag_length = length - 1; /* with the '>' */

	if (row == -1 || !allowed[row].block)
		return "not an allowed block";
	while ((line = whole_line(at, end, &length)) != NULL) {
		++*number;
		if (length == tag_length + 2 && memcmp(line, "</", 2) == 0 &&
		    memcmp(line + 2, tag, tag_length) == 0)
			return NULL;
		if (length > BLOCK_LINE_MAX)
			return "too long";
		for (size_t i = 0; i < length; i++) {
			if (line[i] == '\0' || strchr(bytes, line[i]) == NULL)
				return "a byte that is not allowed in a block";
		}
	}
	return "the block is not closed";
}

/* "remote HOST PORT udp|tcp [ADDR ...]" to a value. */
static bool parse_remote(const char *line, size_t length, struct canonical_remote *remote)
{
	char text[REMOTE_LINE_MAX], *save = text, *word;
	uint64_t port;

	memset(remote, 0, sizeof *remote);
	if (length >= sizeof text || memchr(line, '\0', length) != NULL)
		return false;
	memcpy(text, line, length);
	text[length] = '\0';
	if ((word = strsep(&save, " ")) == NULL || strcmp(word, "remote") != 0)
		return false;
	if ((word = strsep(&save, " ")) == NULL || *word == '\0' ||
	    strspn(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_:") !=
		strlen(word) ||
	    text_copy(remote->host, sizeof remote->host, word) == -1)
		return false;
	if ((word = strsep(&save, " ")) == NULL || text_number(word, 1, 65535, &port) == -1)
		return false;
	remote->port = (uint16_t)port;
	if ((word = strsep(&save, " ")) == NULL)
		return false;
	remote->proto = strcmp(word, "udp") == 0 ? NET_UDP : strcmp(word, "tcp") == 0 ? NET_TCP : 0;
	while ((word = strsep(&save, " ")) != NULL) {
		if (remote->address_count == CANONICAL_ADDRESSES ||
		    net_address_parse(word, &remote->addresses[remote->address_count]) == -1 ||
		    !net_address_is_dialable(&remote->addresses[remote->address_count]))
			return false;
		remote->address_count++;
	}
	return remote->proto != 0;
}

static bool parse_needs(const char *line, size_t length)
{
	return length == 7 && memcmp(line, "needs ", 6) == 0 && line[6] >= '0' && line[6] <= '3';
}

/* "set NAME NUMBER": the row of its name and its number; -1: it is something else. */
static int parse_setting(const char *line, size_t length, uint32_t *value)
{
	char text[SETTING_LINE_MAX], *save = text, *name, *word;
	uint64_t number;

	if (length >= sizeof text || memchr(line, '\0', length) != NULL)
		return -1;
	memcpy(text, line, length);
	text[length] = '\0';
	if (strcmp(strsep(&save, " "), "set") != 0 || (name = strsep(&save, " ")) == NULL ||
	    (word = strsep(&save, "")) == NULL)
		return -1;
	for (int i = 0; i < SETTINGS; i++) {
		if (strcmp(settings[i].name, name) != 0)
			continue;
		if (text_number(word, settings[i].min, settings[i].max, &number) == -1)
			return -1;
		*value = (uint32_t)number;
		return i;
	}
	return -1;
}

/* Setting lines from `line` on, each name once and in the order of the table; returns what follows. */
static const char *skip_settings(const char *line, const char **at, const char *end, size_t *length,
				 int *number)
{
	uint32_t value;

	for (int last = -1, row; line != NULL && (row = parse_setting(line, *length, &value)) > last;
	     last = row, ++*number)
		line = whole_line(at, end, length);
	return line;
}

/* remote lines, settings, needs, an empty line; *at goes to the body. */
static const char *check_head(const char **at, const char *end, int *number)
{
	struct canonical_remote remote;
	const char *line;
	size_t length;

	for (line = whole_line(at, end, &length); line != NULL; line = whole_line(at, end, &length)) {
		++*number;
		if (!parse_remote(line, length, &remote))
			break;
	}
	if (line == NULL || *number < 2)
		return "not a remote";
	line = skip_settings(line, at, end, &length, number);
	if (line == NULL || !parse_needs(line, length))
		return "not a remote, a setting or needs";
	++*number;
	line = whole_line(at, end, &length);
	return line == NULL || length != 0 ? "not an empty line" : NULL;
}

int canonical_check(const char *text, size_t length, struct err *e)
{
	const char *at = text, *end = text + length, *line, *wrong;
	int number = 0;

	if (length > CANONICAL_SIZE_MAX)
		return err_set(e, "canonical profile: larger than %d bytes", CANONICAL_SIZE_MAX);
	wrong = check_head(&at, end, &number);
	while (wrong == NULL && at < end) {
		number++;
		line = whole_line(&at, end, &length);
		if (line == NULL)
			wrong = "no line end";
		else if (length > 0 && line[0] == '<')
			wrong = check_block(line, length, &at, end, &number);
		else
			wrong = check_option(line, length);
	}
	return wrong == NULL ? 0 : err_set(e, "canonical profile, line %d: %s", number, wrong);
}

bool canonical_next_remote(const char *text, size_t length, size_t *at, struct canonical_remote *remote)
{
	const char *next = text + *at, *line = whole_line(&next, text + length, &length);

	*at = (size_t)(next - text);
	return line != NULL && parse_remote(line, length, remote);
}

bool canonical_setting(const char *text, size_t length, const char *name, uint32_t *value)
{
	const char *at = text, *end = canonical_body(text, length), *line;
	uint32_t found;
	size_t size;

	while ((line = whole_line(&at, end, &size)) != NULL) {
		int row = parse_setting(line, size, &found);

		if (row == -1 || strcmp(settings[row].name, name) != 0)
			continue;
		*value = found;
		return true;
	}
	return false;
}

int canonical_needs(const char *text, size_t length)
{
	const char *body = canonical_body(text, length);

	return body - text < 3 ? 0 : body[-3] - '0'; /* "needs N\n\n" ends before it */
}

const char *canonical_body(const char *text, size_t length)
{
	const char *empty = length == 0 ? NULL : memmem(text, length, "\n\n", 2);

	return empty == NULL ? text + length : empty + 2;
}

/* The first line of the body with this option, *size long; NULL: there is none. */
static const char *find_line(const char *text, size_t length, const char *name, size_t *size)
{
	const char *at = canonical_body(text, length), *end = text + length, *line;
	bool block = false;

	while ((line = whole_line(&at, end, size)) != NULL) {
		const char *space = memchr(line, ' ', *size);

		if (*size > 0 && line[0] == '<')
			block = *size < 2 || line[1] != '/';
		if (!block && same(line, space == NULL ? *size : (size_t)(space - line), name))
			return line;
	}
	return NULL;
}

bool canonical_has(const char *text, size_t length, const char *name)
{
	return find_line(text, length, name, &length) != NULL;
}

static bool begins(const char *line, size_t length, const char *with)
{
	return length >= strlen(with) && memcmp(line, with, strlen(with)) == 0;
}

size_t canonical_without_keys(const char *text, size_t length, char *to)
{
	const char *at = canonical_body(text, length), *end = text + length, *line;
	size_t used = (size_t)(at - text), size;

	memcpy(to, text, used);
	while ((line = whole_line(&at, end, &size)) != NULL) {
		if (!begins(line, size, "pull-filter ") && !same(line, size, "route-nopull") &&
		    !begins(line, size, "static-challenge "))
			continue;
		memcpy(to + used, line, size + 1);
		used += size + 1;
	}
	return used;
}

/* One argument as openvpn reads it, `at` on its opening quote, to `to` of
 * CANONICAL_LINE_MAX + 1 bytes; returns what follows it. */
static const char *unquote(const char *at, const char *end, char *to)
{
	for (at++; at < end && *at != '"'; at++) {
		if (*at == '\\' && at + 1 < end)
			at++;
		*to++ = *at;
	}
	*to = '\0';
	return at < end ? at + 1 : end;
}

bool canonical_argument(const char *text, size_t length, const char *name, char *to)
{
	const char *line = find_line(text, length, name, &length);
	const char *at = line != NULL && length <= CANONICAL_LINE_MAX ? memchr(line, '"', length) : NULL;

	to[0] = '\0';
	if (at != NULL)
		unquote(at, line + length, to);
	return at != NULL;
}

bool canonical_takes_push(const char *text, size_t length, const char *option)
{
	static const char filter[] = "pull-filter \"";
	const char *at = canonical_body(text, length), *end = text + length, *line;
	char word[CANONICAL_LINE_MAX + 1], pattern[CANONICAL_LINE_MAX + 1];
	size_t size;

	/* openvpn skips the same before it compares. */
	option += strspn(option, " \t\n\v\f\r");
	while ((line = whole_line(&at, end, &size)) != NULL) {
		if (size > CANONICAL_LINE_MAX || !begins(line, size, filter))
			continue;
		line = unquote(line + sizeof filter - 2, line + size, word);
		if (line < at - 1)
			unquote(line + 1, at - 1, pattern);
		else
			pattern[0] = '\0';
		if (strncmp(option, pattern, strlen(pattern)) == 0)
			return strcmp(word, "accept") == 0;
	}
	return true;
}
