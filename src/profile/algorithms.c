/* Names of ciphers, digests and TLS cipher suites, by what is known of them. */
#include "profile/algorithms.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"

enum { LIST_SIZE = 256 };

typedef bool is_fn(const char *word);

static bool is_in(const char *word, const char *const *words)
{
	for (; *words != NULL; words++) {
		if (strcasecmp(word, *words) == 0)
			return true;
	}
	return false;
}

/* Are all words of a list, separated by ':', of that kind? */
static bool all(const char *list, is_fn *is)
{
	char copy[LIST_SIZE], *save = copy, *word;

	if (text_copy(copy, sizeof copy, list) == -1)
		return false;
	while ((word = strsep(&save, ":")) != NULL) {
		if (!is(word))
			return false;
	}
	return true;
}

/* --- the data channel */

static bool is_cipher(const char *word)
{
	static const char *const whole[] = {"CHACHA20-POLY1305", "DEFAULT",       "id-aes128-GCM",
					    "id-aes192-GCM",     "id-aes256-GCM", NULL};
	static const char *const families[] = {
	    "AES-128",  "AES-192",  "AES-256",  "CAMELLIA-128", "CAMELLIA-192", "CAMELLIA-256", "ARIA-128",
	    "ARIA-192", "ARIA-256", "SM4",      "SEED",         "IDEA",         "BF",           "CAST5",
	    "DES",      "DES-EDE",  "DES-EDE3", "DESX",         "RC2",          "RC2-40",       "RC2-64",
	    "RC5",      NULL};
	static const char *const modes[] = {"GCM", "CBC", "CFB", "CFB1", "CFB8", "OFB", NULL};
	char family[LIST_SIZE], *dash;

	if (*word == '?')
		word++;
	if (is_in(word, whole))
		return true;
	if (text_copy(family, sizeof family, word) == -1 || (dash = strrchr(family, '-')) == NULL)
		return false;
	*dash = '\0';
	return is_in(family, families) && is_in(dash + 1, modes);
}

bool algorithms_are_ciphers(const char *list)
{
	return all(list, is_cipher);
}

bool algorithms_is_digest(const char *name)
{
	static const char *const digests[] = {
	    "SHA1",       "SHA",           "SHA224",     "SHA256",     "SHA384",     "SHA512",
	    "SHA512-224", "SHA512-256",    "SHA2-224",   "SHA2-256",   "SHA2-384",   "SHA2-512",
	    "SHA3-224",   "SHA3-256",      "SHA3-384",   "SHA3-512",   "SHA-1",      "SHA-224",
	    "SHA-256",    "SHA-384",       "SHA-512",    "RSA-SHA1",   "RSA-SHA224", "RSA-SHA256",
	    "RSA-SHA384", "RSA-SHA512",    "RSA-MD5",    "MD5",        "MD5-SHA1",   "RIPEMD160",
	    "RMD160",     "RSA-RIPEMD160", "BLAKE2b512", "BLAKE2s256", "WHIRLPOOL",  "SM3",
	    NULL};

	return is_in(name, digests);
}

/* --- TLS */

/* Keywords of OpenSSL that add or order suites. They may include suites that do not encrypt (kRSA, SHA1):
 * the end of the list takes those out again. */
static bool is_keyword(const char *word)
{
	static const char *const keywords[] = {
	    "DEFAULT",   "ALL",     "HIGH",     "MEDIUM",   "RSA",         "kRSA",          "aRSA",
	    "ECDHE",     "EECDH",   "kECDHE",   "kEECDH",   "DHE",         "EDH",           "kDHE",
	    "kEDH",      "ECDSA",   "aECDSA",   "AES",      "AES128",      "AES256",        "AESGCM",
	    "AESCCM",    "AESCCM8", "CHACHA20", "CAMELLIA", "CAMELLIA128", "CAMELLIA256",   "ARIA",
	    "ARIA128",   "ARIA256", "ARIAGCM",  "3DES",     "SHA",         "SHA1",          "SHA256",
	    "SHA384",    "TLSv1",   "TLSv1.0",  "TLSv1.2",  "SUITEB128",   "SUITEB128ONLY", "SUITEB128C2",
	    "SUITEB192", NULL};

	return is_in(word, keywords);
}

/* One suite, by OpenSSL's or IANA's name for it, which says what it encrypts with. */
static bool is_suite(const char *word)
{
	static const char *const encrypt[] = {"AES",  "CHACHA20", "CAMELLIA", "ARIA",
					      "3DES", "SEED",     "DES-CBC3", "IDEA"};
	static const char *const naked[] = {"NULL", "anon", "ADH", "AECDH", "EXP"};
	bool encrypts = false;

	for (size_t i = 0; word[i] != '\0'; i++) {
		if (!isalnum((unsigned char)word[i]) && word[i] != '-' && word[i] != '_')
			return false;
	}
	for (size_t i = 0; i < sizeof naked / sizeof *naked; i++) {
		if (strcasestr(word, naked[i]) != NULL)
			return false;
	}
	for (size_t i = 0; i < sizeof encrypt / sizeof *encrypt; i++)
		encrypts = encrypts || strcasestr(word, encrypt[i]) != NULL;
	return encrypts && strpbrk(word, "-_") != NULL;
}

/* "!word", "-word": fewer suites; "+word": their order; "a+b": those that are in both. */
static bool is_tls(const char *word)
{
	char copy[LIST_SIZE], *save = copy, *part;

	if (*word == '!' || *word == '-')
		return word[1] != '\0' &&
		       word[1 + strspn(word + 1, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnop"
						 "qrstuvwxyz0123456789-_+.")] == '\0';
	if (strcmp(word, "@STRENGTH") == 0 ||
	    (strncmp(word, "@SECLEVEL=", 10) == 0 && isdigit((unsigned char)word[10]) && word[11] == '\0'))
		return true;
	if (*word == '+')
		word++;
	if (text_copy(copy, sizeof copy, word) == -1)
		return false;
	while ((part = strsep(&save, "+")) != NULL) {
		if (!is_keyword(part) && !is_suite(part))
			return false;
	}
	return true;
}

bool algorithms_are_tls(const char *list)
{
	return all(list, is_tls);
}

static bool is_suite13(const char *word)
{
	static const char *const suites[] = {"AES_256_GCM_SHA384",       "AES_128_GCM_SHA256",
					     "CHACHA20_POLY1305_SHA256", "AES_128_CCM_SHA256",
					     "AES_128_CCM_8_SHA256",     NULL};
	char copy[LIST_SIZE];

	if (strncasecmp(word, "TLS", 3) != 0 || (word[3] != '_' && word[3] != '-') ||
	    text_copy(copy, sizeof copy, word + 4) == -1)
		return false;
	for (char *at = copy; *at != '\0'; at++) {
		if (*at == '-')
			*at = '_';
	}
	return is_in(copy, suites);
}

bool algorithms_are_suites(const char *list)
{
	return all(list, is_suite13);
}
