/* The arguments of options, checked by kind. */
#include "profile/values.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/net.h"
#include "base/text.h"
#include "profile/algorithms.h"

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define DIGITS "0123456789"

enum { DOMAIN_MAX = 253, HOST_MAX = 220, CHALLENGE_MAX = 82, LABEL_MAX = 63 };

/* Numbers: kind and bounds. */
static const struct {
	char kind;
	uint32_t min, max;
} numbers[] = {
    {'n', 0, INT32_MAX},   /* a count of bytes, packets or seconds */
    {'i', 0, 65535},       /* a metric, a small window */
    {'w', 1, 65536},       /* replay-window */
    {'m', 68, 65535},      /* a packet size */
    {'M', 0, 65535},       /* a packet size or 0 */
    {'S', 1, 3600},        /* seconds of a handshake, a ping */
    {'L', 2, 86400},       /* seconds until a restart */
    {'T', 1, 604800},      /* seconds of a key's overlap */
    {'Z', 0, 86400},       /* seconds or never */
    {'D', 0, 30},          /* seconds that an attempt may wait */
    {'b', 0, 16777216},    /* a buffer */
    {'B', 100, 100000000}, /* bytes a second */
};

/* Texts: kind, the bytes it is made of, what it is called. */
static const struct {
	char kind;
	const char *bytes, *called;
} texts[] = {
    {'c', LETTERS DIGITS ":_?.-", "a list of groups"},
    {'u', LETTERS DIGITS ":.", "a field of a certificate"},
    {'h', "0123456789abcdefABCDEFx", "a hexadecimal number"},
    {'f', "0123456789abcdefABCDEF:", "a fingerprint"},
    {'v', DIGITS ".", "a version"},
};

static bool made_of(const char *text, const char *bytes)
{
	return *text != '\0' && text[strspn(text, bytes)] == '\0';
}

static bool is_text(const char *text, size_t max)
{
	size_t length = strlen(text);

	for (size_t i = 0; i < length; i++) {
		if (text[i] < 0x20 || text[i] > 0x7e)
			return false;
	}
	return length > 0 && length <= max;
}

bool value_is_domain(const char *argument)
{
	size_t label = 0, length = strlen(argument);

	if (length == 0 || length > DOMAIN_MAX || !made_of(argument, LETTERS DIGITS ".-_"))
		return false;
	for (size_t i = 0; i < length; i++) {
		label = argument[i] == '.' ? 0 : label + 1;
		if (label > LABEL_MAX || (argument[i] == '.' && (i == 0 || argument[i - 1] == '.')) ||
		    (label == 1 && argument[i] == '-'))
			return false;
	}
	return true;
}

bool value_is_host(const char *argument)
{
	struct net_address address;

	if (net_address_parse(argument, &address) == 0)
		return true;
	/* The resolver would take "1.2.3" for an address, and for another one than it looks like. */
	return value_is_domain(argument) && strlen(argument) <= HOST_MAX && !made_of(argument, DIGITS ".") &&
	       strncasecmp(argument, "0x", 2) != 0;
}

/* Algorithms: kind, those that are taken, what they are called. */
static const struct {
	char kind;
	bool (*are)(const char *list);
	const char *called;
} algorithms[] = {
    {'C', algorithms_are_ciphers, "a list of ciphers that are known to encrypt"},
    {'a', algorithms_is_digest, "a digest that is known to authenticate"},
    {'t', algorithms_are_tls, "a list of TLS ciphers that are known to encrypt and to authenticate"},
    {'y', algorithms_are_suites, "a list of TLS 1.3 cipher suites that are known to encrypt"},
};

static bool is_address(const char *argument, uint8_t family)
{
	struct net_address address;

	return net_address_parse(argument, &address) == 0 && address.family == family;
}

static bool is_prefix6(const char *argument)
{
	struct net_prefix prefix;

	return net_prefix_parse(argument, &prefix) == 0 && prefix.address.family == NET_IPV6;
}

static bool is_one_of(const char *argument, const char *words)
{
	size_t length = strlen(argument);

	while (*words != '\0') {
		size_t word = strcspn(words, "|}");

		if (word == length && memcmp(words, argument, length) == 0)
			return true;
		words += word;
		if (*words++ != '|')
			break;
	}
	return false;
}

static int check_named(char kind, const char *argument, struct err *e)
{
	switch (kind) {
	case '4':
		return is_address(argument, NET_IPV4) ? 0 : err_set(e, "not an IPv4 address");
	case '6':
		return is_address(argument, NET_IPV6) ? 0 : err_set(e, "not an IPv6 address");
	case 'x':
		return is_prefix6(argument) ? 0 : err_set(e, "not an IPv6 network, ADDRESS/BITS");
	case 'r': /* a name would have to be resolved while the gate is shut */
		return is_address(argument, NET_IPV4) ||
			       is_one_of(argument, "vpn_gateway|net_gateway|remote_host")
			   ? 0
			   : err_set(
				 e,
				 "not an IPv4 network, and a name can't be resolved while the gate is shut; "
				 "instead: its address");
	case 'k':
		return is_address(argument, NET_IPV4) || is_one_of(argument, "default")
			   ? 0
			   : err_set(e, "not an IPv4 mask");
	case 'g':
		return is_address(argument, NET_IPV4) ||
			       is_one_of(argument, "vpn_gateway|net_gateway|remote_host|default")
			   ? 0
			   : err_set(e, "not an IPv4 gateway");
	case 'e':
		return is_address(argument, NET_IPV4) || is_one_of(argument, "dhcp")
			   ? 0
			   : err_set(e, "not an IPv4 gateway");
	case 'G':
		return is_address(argument, NET_IPV6) ||
			       is_one_of(argument, "vpn_gateway|net_gateway|remote_host|default")
			   ? 0
			   : err_set(e, "not an IPv6 gateway");
	case 'P': /* a path would be loaded as code */
		return is_one_of(argument, "default|legacy|fips|base")
			   ? 0
			   : err_set(e, "a provider other than default, legacy, fips, base: would be loaded "
					"as root; instead: one of these");
	case 'q': /* openvpn cuts off a longer prompt */
		return is_text(argument, CHALLENGE_MAX)
			   ? 0
			   : err_set(e, "not a text of 1 to %d printable ASCII bytes", CHALLENGE_MAX);
	default:
		return is_text(argument, 255) ? 0 : err_set(e, "not printable ASCII");
	}
}

static int check_one(char kind, const char *argument, struct err *e)
{
	uint64_t number;

	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
		if (numbers[i].kind == kind)
			return text_number(argument, numbers[i].min, numbers[i].max, &number) == 0
				   ? 0
				   : err_set(e, "not a number from %u to %u", numbers[i].min, numbers[i].max);
	}
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		if (texts[i].kind != kind)
			continue;
		return made_of(argument, texts[i].bytes) ? 0 : err_set(e, "not %s", texts[i].called);
	}
	for (size_t i = 0; i < sizeof algorithms / sizeof *algorithms; i++) {
		if (algorithms[i].kind == kind)
			return algorithms[i].are(argument)
				   ? 0
				   : err_set(e, "not %s; instead: delete the line", algorithms[i].called);
	}
	return check_named(kind, argument, e);
}

/* Checks one argument against the kind at *pattern, and moves *pattern past it. */
static int check_next(const char **pattern, const char *argument, struct err *e)
{
	const char *kind = *pattern;
	char quoted[64];

	text_escape(quoted, sizeof quoted, argument, strlen(argument));
	if (*kind != '{') {
		*pattern = kind + 1;
		return check_one(*kind, argument, e) == 0 ? 0 : err_prefix(e, "\"%s\"", quoted);
	}
	*pattern = strchr(kind, '}') + 1;
	if (is_one_of(argument, kind + 1))
		return 0;
	return err_set(e, "\"%s\" is not one of %.*s", quoted, (int)(*pattern - kind - 2), kind + 1);
}

int values_check(const char *pattern, char *const *arguments, size_t count, struct err *e)
{
	bool optional = false;

	for (size_t i = 0; i < count; i++) {
		if (*pattern == '?') {
			optional = true;
			pattern++;
		}
		if (*pattern == '\0')
			return err_set(e, "too many arguments; instead: see openvpn(8)");
		if (check_next(&pattern, arguments[i], e) == -1)
			return -1;
	}
	if (*pattern != '\0' && *pattern != '?' && !optional)
		return err_set(e, "an argument is missing; instead: see openvpn(8)");
	return 0;
}
