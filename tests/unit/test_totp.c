/* One-time passwords by time: the codes of RFC 6238's appendix B, each form of a secret, and what is refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <dlfcn.h>
#include <openssl/crypto.h>
#include <openssl/hmac.h>
#include <string.h>

/* What is wiped is counted. */
#define secret_wipe_bytes plain_wipe_bytes
#include "base/secret.c"
#undef secret_wipe_bytes
void secret_wipe_bytes(void *bytes, size_t length);

#include "driver/login/totp.h"
#include "golden.h"
#include "guard.h"
#include "journal.h"
#include "leaks.h"

static size_t wiped;

void secret_wipe_bytes(void *bytes, size_t length)
{
	wiped += length;
	plain_wipe_bytes(bytes, length);
}

/* OpenSSL, which may fail: it gives no code, or too short a one. What it was asked for is noted. */
static bool hmac_fails;
static unsigned hmac_bytes; /* 0: as many as there are */
static unsigned hashes;     /* a bit for each length of a hash */
static uint64_t begun;      /* how OpenSSL was */

unsigned char *HMAC(const EVP_MD *hash, const void *key, int key_length, const unsigned char *data,
		    size_t size, unsigned char *to, unsigned *length)
{
	unsigned char *(*real)(const EVP_MD *, const void *, int, const unsigned char *, size_t,
			       unsigned char *, unsigned *);

	*(void **)&real = dlsym(RTLD_NEXT, "HMAC");
	to = real(hash, key, key_length, data, size, to, length);
	hashes |= 1U << *length / 16;
	if (hmac_bytes != 0)
		*length = hmac_bytes;
	return hmac_fails ? NULL : to;
}

int OPENSSL_init_crypto(uint64_t options, const OPENSSL_INIT_SETTINGS *settings)
{
	int (*real)(uint64_t, const OPENSSL_INIT_SETTINGS *);

	*(void **)&real = dlsym(RTLD_NEXT, "OPENSSL_init_crypto");
	begun |= options;
	return real(options, settings);
}

#define TEN "GEZDGNBVGY3TQOJQ" /* 1234567890 */

static int parse(const char *text, struct totp *totp, struct err *e)
{
	size_t length = strlen(text);
	struct guard guard;
	char *bytes = guard_open(&guard, length);
	int result;

	memcpy(bytes, text, length);
	e->text[0] = '\0';
	result = totp_parse(bytes, length, totp, e);
	guard_close(&guard);
	return result;
}

static void test_the_vectors(void **state)
{
	static const char *const secrets[] = {
	    "secret=" TEN TEN "&algorithm=SHA1", "secret=" TEN TEN TEN "GEZA====&algorithm=SHA256",
	    "secret=" TEN TEN TEN TEN TEN TEN "GEZDGNA%3D&algorithm=SHA512"};
	static const struct {
		uint64_t seconds;
		const char *codes[3];
	} vectors[] = {{59, {"94287082", "46119246", "90693936"}},
		       {1111111109, {"07081804", "68084774", "25091201"}},
		       {1111111111, {"14050471", "67062674", "99943326"}},
		       {1234567890, {"89005924", "91819424", "93441116"}},
		       {2000000000, {"69279037", "90698825", "38618901"}},
		       {20000000000, {"65353130", "77737706", "47863826"}}};
	struct secret code;
	struct totp totp;
	struct err e = {""};
	char text[256];

	(void)state;
	for (size_t hash = 0; hash < 3; hash++) {
		for (unsigned digits = 6; digits <= 8; digits++) {
			snprintf(text, sizeof text, "otpauth://totp/a?%s&digits=%u&period=30", secrets[hash],
				 digits);
			assert_int_equal(parse(text, &totp, &e), 0);
			for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
				uint64_t step = totp_step(&totp, vectors[i].seconds);

				assert_int_equal(totp_code(&totp, step, &code, &e), 0);
				assert_int_equal(code.length, digits); /* the last ones of eight */
				assert_string_equal(code.bytes, vectors[i].codes[hash] + 8 - digits);
			}
		}
	}
	assert_no_leak("a code", totp_code(&totp, 1, &code, &e));
}

static void test_openssl_fails(void **state)
{
	struct totp totp;
	struct secret code;
	struct err e;

	(void)state;
	assert_int_equal(parse(TEN, &totp, &e), 0);
	wiped = 0;
	assert_int_equal(totp_code(&totp, 1, &code, &e), 0);
	assert_true(wiped == EVP_MAX_MD_SIZE + 16); /* the hash, and the digits */
	hmac_fails = true;
	assert_int_equal(totp_code(&totp, 1, &code, &e), -1);
	assert_string_equal(e.text, "OpenSSL can't compute the one-time password");
	hmac_fails = false;
	hmac_bytes = 19;
	assert_int_equal(totp_code(&totp, 1, &code, &e), -1);
	hmac_bytes = 20;
	assert_int_equal(totp_code(&totp, 1, &code, &e), 0);
	hmac_bytes = 0;
}

static void test_the_periods(void **state)
{
	struct totp totp = {.period = 30};

	(void)state;
	assert_true(totp_step(&totp, 0) == 0 && totp_step(&totp, 29) == 0 && totp_step(&totp, 30) == 1);
	totp.period = 60;
	assert_true(totp_step(&totp, 59) == 0 && totp_step(&totp, 20000000000) == 333333333);
}

static void run(const char *text)
{
	static const struct secret none;
	struct totp totp;
	struct err e;

	memset(&totp, 0x55, sizeof totp);
	if (parse(text, &totp, &e) == -1) {
		say("%.90s: %s", text, e.text);
		assert_memory_equal(&totp.key, &none, sizeof none);
		return;
	}
	say("%.90s: hash %d, %u digits, %u s, %zu bytes: %.*s", text, (int)totp.hash, totp.digits,
	    totp.period, totp.key.length, (int)totp.key.length, totp.key.bytes);
	assert_string_equal(e.text, "");
}

#define LINK "otpauth://totp/Some%20one:me?"

static void test_each_form(void **state)
{
	static const char *const texts[] = {
	    TEN,
	    "  " TEN "\r\n\n\t ",
	    "gezd gnbv-gy3t qojq",
	    "GEZDGNBVGY3TQOI=",
	    "GE======",
	    "GEZA====",
	    "GEZDG===",
	    "GEZDGNA=",
	    "GEZDGNA",
	    "otpauth://totp/?secret=" TEN,
	    "OTPAUTH://TOTP/x?secret=" TEN,
	    LINK "issuer=a&secret=" TEN "&digits=8&period=60&algorithm=sha512&image=x",
	    LINK "secret=" TEN "%3D%3d=&digits=6&period=5&algorithm=Sha256",
	    LINK "period=600&secret=" TEN "&&digits",
	    LINK "per=x&algo=x&dig=x&imagesize=x&issuer=x&secret=" TEN "&sec=A",
	    LINK "Secret=A&xsecret=A&secre=A&secret=" TEN
		 "&secrets=A&digit=9&digitsx=9&periods=1&algorithms=9",
	    /* refused */
	    "",
	    " \n",
	    "====",
	    "- -",
	    TEN "\n" TEN,
	    "ABC1DEFG",
	    "ABC0",
	    "A@",
	    "A[",
	    "A`",
	    "A{",
	    "A8",
	    "GEZA=GEZA",
	    "GEZA%3",
	    "G",
	    "GEZ",
	    "GEZDGN",
	    TEN "G",
	    "GEZDGNBVG",
	    "GEZDGNBVGY3",
	    "GEZDGNBVGY3TQO",
	    "GEZA%3DA",
	    "otpauth://hotp/x?secret=" TEN "&counter=1",
	    "otpauth://tot",
	    "otpauth://totp",
	    "otpauth://totpx?secret=" TEN,
	    "otpauth://totp/x",
	    "otpauth://totp/x?digits=6",
	    LINK "secret=",
	    LINK "secret=" TEN "&secret=" TEN,
	    LINK "secret=AB!A",
	    LINK "secret=" TEN "&digits=5",
	    LINK "secret=" TEN "&digits=9",
	    LINK "secret=" TEN "&digits=",
	    LINK "secret=" TEN "&digits=00000000000000000007",
	    LINK "secret=" TEN "&period=4",
	    LINK "secret=" TEN "&period=601",
	    LINK "secret=" TEN "&period=x",
	    LINK "secret=" TEN "&algorithm=MD5",
	    LINK "secret=" TEN "&algorithm=SHA1x",
	};

	(void)state;
	journal[0] = '\0';
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		run(texts[i]);
	assert_golden("tests/golden/totp", journal);
}

/* The longest that fits, and one byte more. */
static void test_long_secrets(void **state)
{
	char text[2 * SECRET_SIZE];
	struct totp totp;
	struct err e;

	(void)state;
	memset(text, 'A', sizeof text);
	text[408] = '\0'; /* 255 bytes */
	assert_int_equal(parse(text, &totp, &e), 0);
	assert_int_equal(totp.key.length, SECRET_SIZE - 1);
	text[408] = 'A';
	text[410] = '\0';
	assert_int_equal(parse(text, &totp, &e), -1);
	assert_non_null(strstr(e.text, "longer than 255 bytes"));
}

/* Each hash is asked for, and no file of OpenSSL's is: in the driver's sandbox there is none. */
static void test_the_start(void **state)
{
	(void)state;
	totp_warm_up();
	assert_true(begun & OPENSSL_INIT_NO_LOAD_CONFIG);
	assert_int_equal(hashes, 1 << 20 / 16 | 1 << 32 / 16 | 1 << 64 / 16);
	assert_no_leak("warm", totp_warm_up());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_the_start),     cmocka_unit_test(test_the_vectors),
	    cmocka_unit_test(test_openssl_fails), cmocka_unit_test(test_the_periods),
	    cmocka_unit_test(test_each_form),     cmocka_unit_test(test_long_secrets)};

	return cmocka_run_group_tests_name("totp", tests, NULL, NULL);
}
