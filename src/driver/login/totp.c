/* One-time passwords by time (RFC 6238): the secret from text, the code of a time. Pure. */
#include "driver/login/totp.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"

enum {
	DIGITS_MIN = 6,
	DIGITS_MAX = 8,
	PERIOD_MIN = 5,
	PERIOD_MAX = 600,
	DIGITS_DEFAULT = 6,
	PERIOD_DEFAULT = 30,
	VALUE_MAX = 16
};

static const char link_start[] = "otpauth://";
static const char advice[] =
    "; instead: the secret in base32, or the otpauth:// link that the provider shows";

static const EVP_MD *digest_of(enum totp_hash hash)
{
	switch (hash) {
	case TOTP_SHA256:
		return EVP_sha256();
	case TOTP_SHA512:
		return EVP_sha512();
	case TOTP_SHA1:
		break;
	}
	return EVP_sha1();
}

/* The value of a base32 character, or -1. */
static int base32_value(char letter)
{
	if (letter >= 'A' && letter <= 'Z')
		return letter - 'A';
	if (letter >= 'a' && letter <= 'z')
		return letter - 'a';
	return letter >= '2' && letter <= '7' ? letter - '2' + 26 : -1;
}

/* What people write between the groups of a secret. */
static bool is_gap(char letter)
{
	return letter == ' ' || letter == '-';
}

/* "%3D" is a '=' in a link. */
static size_t padding_at(const char *text, size_t left)
{
	if (text[0] == '=')
		return 1;
	return left >= 3 && strncasecmp(text, "%3D", 3) == 0 ? 3 : 0;
}

static int decode_secret(const char *text, size_t length, struct secret *key, struct err *e)
{
	unsigned bits = 0, held = 0;
	size_t letters = 0, padding = 0, step;

	for (size_t at = 0; at < length; at += step) {
		int value = base32_value(text[at]);

		step = padding_at(text + at, length - at);
		padding += step > 0;
		if (step > 0)
			continue;
		step = 1;
		if (is_gap(text[at]))
			continue;
		if (value == -1 || padding > 0)
			return err_set(e, "character %zu of the secret is not base32 (A to Z, 2 to 7)%s",
				       at + 1, advice);
		if (key->length == sizeof key->bytes - 1)
			return err_set(e, "the secret is longer than %zu bytes%s", sizeof key->bytes - 1,
				       advice);
		letters++;
		held = held << 5 | (unsigned)value;
		bits += 5;
		if (bits >= 8) {
			bits -= 8;
			key->bytes[key->length++] = (char)(held >> bits & 0xff);
		}
	}
	if (key->length == 0)
		return err_set(e, "there is no secret%s", advice);
	/* Of eight letters, these numbers leave a byte unfinished. */
	if (letters % 8 == 1 || letters % 8 == 3 || letters % 8 == 6)
		return err_set(e, "the secret has %zu characters, so one is missing or too many%s", letters,
			       advice);
	return 0;
}

static int read_number(const char *name, const char *value, unsigned least, unsigned most, unsigned *to,
		       struct err *e)
{
	uint64_t number;

	if (text_number(value, least, most, &number) == -1)
		return err_set(e, "%s is not a number from %u to %u%s", name, least, most, advice);
	*to = (unsigned)number;
	return 0;
}

static int read_hash(const char *value, enum totp_hash *hash, struct err *e)
{
	static const char *const names[] = {
	    [TOTP_SHA1] = "SHA1", [TOTP_SHA256] = "SHA256", [TOTP_SHA512] = "SHA512"};

	for (int i = 0; i < (int)(sizeof names / sizeof *names); i++) {
		if (strcasecmp(value, names[i]) == 0) {
			*hash = (enum totp_hash)i;
			return 0;
		}
	}
	return err_set(e, "the algorithm is none of SHA1, SHA256 and SHA512%s", advice);
}

/* One name=value of a link. What concerns only the display is skipped. */
static int read_parameter(const char *text, size_t length, struct totp *totp, struct err *e)
{
	const char *equals = memchr(text, '=', length);
	size_t name = equals != NULL ? (size_t)(equals - text) : length, size;
	char value[VALUE_MAX];

	if (equals == NULL)
		return 0;
	size = length - name - 1;
	if (name == 6 && strncmp(text, "secret", name) == 0)
		return totp->key.length > 0 ? err_set(e, "the link has two secrets%s", advice)
					    : decode_secret(equals + 1, size, &totp->key, e);
	snprintf(value, sizeof value, "%.*s", (int)(size < sizeof value ? size : sizeof value), equals + 1);
	if (name == 6 && strncmp(text, "digits", name) == 0)
		return read_number("digits", value, DIGITS_MIN, DIGITS_MAX, &totp->digits, e);
	if (name == 6 && strncmp(text, "period", name) == 0)
		return read_number("period", value, PERIOD_MIN, PERIOD_MAX, &totp->period, e);
	if (name == 9 && strncmp(text, "algorithm", name) == 0)
		return read_hash(value, &totp->hash, e);
	return 0;
}

/* What follows "otpauth://": totp/LABEL?name=value&name=value */
static int read_link(const char *text, size_t length, struct totp *totp, struct err *e)
{
	static const char kind[] = "totp/";
	const char *end = text + length, *at = memchr(text, '?', length);

	if (length < sizeof kind - 1 || strncasecmp(text, kind, sizeof kind - 1) != 0)
		return err_set(e, "the link is not one for codes by time (otpauth://totp/)%s", advice);
	while (at != NULL) {
		const char *from = at + 1, *next = memchr(from, '&', (size_t)(end - from));

		if (read_parameter(from, (size_t)((next != NULL ? next : end) - from), totp, e) == -1)
			return -1;
		at = next;
	}
	return totp->key.length > 0 ? 0 : err_set(e, "the link has no secret%s", advice);
}

static bool is_blank(char byte)
{
	return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

static int parse_text(const char *text, size_t length, struct totp *totp, struct err *e)
{
	const size_t start = sizeof link_start - 1;

	while (length > 0 && is_blank(text[0]))
		text++, length--;
	while (length > 0 && is_blank(text[length - 1]))
		length--;
	if (memchr(text, '\n', length) != NULL)
		return err_set(e, "it has more than one line%s", advice);
	if (length >= start && strncasecmp(text, link_start, start) == 0)
		return read_link(text + start, length - start, totp, e);
	return decode_secret(text, length, &totp->key, e);
}

int totp_parse(const char *text, size_t length, struct totp *totp, struct err *e)
{
	int result;

	*totp = (struct totp){.hash = TOTP_SHA1, .digits = DIGITS_DEFAULT, .period = PERIOD_DEFAULT};
	result = parse_text(text, length, totp, e);
	if (result == -1)
		secret_wipe(&totp->key);
	return result;
}

uint64_t totp_step(const struct totp *totp, uint64_t seconds)
{
	return seconds / totp->period;
}

int totp_code(const struct totp *totp, uint64_t step, struct secret *code, struct err *e)
{
	unsigned char counter[8], mac[EVP_MAX_MD_SIZE];
	char digits[VALUE_MAX];
	unsigned length = 0, from;
	uint32_t number, most = 1;

	for (int i = 7; i >= 0; i--, step >>= 8)
		counter[i] = (unsigned char)step;
	if (HMAC(digest_of(totp->hash), totp->key.bytes, (int)totp->key.length, counter, sizeof counter, mac,
		 &length) == NULL ||
	    length < 20)
		return err_set(e, "OpenSSL can't compute the one-time password");
	from = mac[length - 1] & 0xf;
	number = (uint32_t)(mac[from] & 0x7f) << 24 | (uint32_t)mac[from + 1] << 16 |
		 (uint32_t)mac[from + 2] << 8 | mac[from + 3];
	secret_wipe_bytes(mac, sizeof mac);
	for (unsigned i = 0; i < totp->digits; i++)
		most *= 10;
	snprintf(digits, sizeof digits, "%0*u", (int)totp->digits, number % most);
	(void)secret_set(code, digits, totp->digits);
	secret_wipe_bytes(digits, sizeof digits);
	return 0;
}

/* The first use of a hash makes OpenSSL look for its parts. */
void totp_warm_up(void)
{
	static const enum totp_hash all[] = {TOTP_SHA1, TOTP_SHA256, TOTP_SHA512};
	struct totp totp = {.digits = DIGITS_DEFAULT, .period = PERIOD_DEFAULT, .key = {.length = 1}};
	struct secret code;
	struct err none = {""};

	OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
	for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
		totp.hash = all[i];
		(void)totp_code(&totp, 0, &code, &none);
	}
}
