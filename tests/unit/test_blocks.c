/* Keys and certificates, rewritten: what is taken, in which form, what is refused, and that nothing of a key
 * is left in memory that is given back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "guard.h"
#include "profile/blocks.h"

enum { HEAD = 32, SIZES = 8 };

static unsigned fails_at; /* the allocation that fails; 0: none */
static unsigned in_use;
static size_t sizes[SIZES], size_count;

static void *counted_malloc(size_t size)
{
	struct guard guard;
	char *bytes;

	if (fails_at > 0 && --fails_at == 0)
		return NULL;
	bytes = guard_open(&guard, HEAD + size);
	memcpy(bytes, &size, sizeof size);
	memcpy(bytes + sizeof size, &guard, sizeof guard);
	memset(bytes + HEAD, 'k', size);
	in_use++;
	sizes[size_count++ % SIZES] = size;
	return bytes + HEAD;
}

static void free_wiped(void *bytes)
{
	char *begin = bytes == NULL ? NULL : (char *)bytes - HEAD;
	struct guard guard;
	size_t size;

	if (begin == NULL)
		return;
	memcpy(&size, begin, sizeof size);
	for (size_t i = 0; i < size; i++)
		assert_int_equal(begin[HEAD + i], 0);
	in_use--;
	memcpy(&guard, begin + sizeof size, sizeof guard);
	guard_close(&guard);
}

static char wiped[64]; /* what was wiped last, as it was */
static size_t wiped_length;

void plain_wipe(void *bytes, size_t length);

#define malloc counted_malloc
#define free free_wiped
#define wipe plain_wipe
#include "profile/buffer.c"
#undef malloc
#undef free
#undef wipe

void wipe(void *bytes, size_t length)
{
	wiped_length = length;
	memcpy(wiped, bytes, length < sizeof wiped ? length : sizeof wiped);
	plain_wipe(bytes, length);
}

static int setup(void **state)
{
	(void)state;
	fails_at = in_use = 0;
	size_count = 0;
	return 0;
}

/* --- the buffer ------------------------------------------------------------------------- */

static void test_growing(void **state)
{
	static char many[5000];
	struct buffer b = {0};

	(void)state;
	memset(many, 'x', sizeof many);
	buffer_add(&b, NULL, 0);
	assert_string_equal(b.bytes, "");
	buffer_add(&b, many, 1023);
	assert_int_equal(size_count, 1); /* with the terminator just as many as there are */
	buffer_add(&b, "y", 1);
	assert_int_equal(size_count, 2);
	buffer_add(&b, many, sizeof many);
	assert_int_equal(size_count, 3);
	assert_int_equal(sizes[0], 1024);
	assert_int_equal(sizes[1], 2048);
	assert_int_equal(sizes[2], 8192);
	assert_int_equal(b.length, 1024 + sizeof many);
	assert_int_equal(strlen(b.bytes), b.length);
	assert_int_equal(b.bytes[1022], 'x');
	assert_int_equal(b.bytes[1023], 'y');
	buffer_free(&b);
	assert_int_equal(in_use, 0);
	assert_true(b.bytes == NULL && b.length == 0 && b.size == 0 && !b.failed);
	buffer_free(&b);
	buffer_add(&b, many, 1023); /* the first time too */
	assert_int_equal(sizes[3], 1024);
	buffer_free(&b);
}

static void test_taking(void **state)
{
	struct buffer b = {0};
	size_t length = 77;
	char *bytes;

	(void)state;
	buffer_quoted(&b, "a\"b\\c");
	buffer_text(&b, "!");
	bytes = buffer_take(&b, &length);
	assert_string_equal(bytes, "\"a\\\"b\\\\c\"!");
	assert_int_equal(length, strlen(bytes));
	assert_true(b.bytes == NULL && b.length == 0 && b.size == 0);
	wipe(bytes, sizes[0]);
	free_wiped(bytes);
}

/* Once there was none, all that follows does nothing. */
static void test_no_memory(void **state)
{
	static char many[2000];
	struct buffer b = {0};
	size_t length = 77;

	(void)state;
	for (unsigned i = 1; i <= 2; i++) {
		fails_at = i;
		buffer_text(&b, "a");
		buffer_add(&b, many, sizeof many);
		assert_true(b.failed);
		assert_int_equal(b.length, i - 1);
		buffer_text(&b, "b");
		assert_int_equal(b.length, i - 1);
		assert_null(buffer_take(&b, &length));
		assert_int_equal(length, 77);
		assert_true(b.bytes == NULL && !b.failed);
		assert_int_equal(in_use, 0);
	}
}

/* --- the blocks --------------------------------------------------------------------------- */

static const char *const reasons[] = {
    "without its END line", "a damaged PEM block", "no PEM block of the right", "not a PKCS #12 file",
    "not PKCS #12 in",      "not a fingerprint",   "no fingerprint in it"};
enum { NO_END, DAMAGED, NO_BLOCK, NO_FILE, NO_BASE64, NO_FINGERPRINT, NO_FINGERPRINTS };

/* `wanted` is what becomes of it, or NULL: it is refused for that reason. */
static void rewrites(enum block_kind kind, const char *bytes, size_t length, bool binary, const char *wanted,
		     int reason, bool encrypted)
{
	struct buffer out = {0};
	struct err e = {""};
	bool is_encrypted = !encrypted;
	int result = block_rewrite(kind, bytes, length, binary, &out, &is_encrypted, &e);

	if ((result == 0) != (wanted != NULL))
		fail_msg("%s: %s", bytes, result == 0 ? "taken" : e.text);
	if (wanted == NULL) {
		if (strstr(e.text, reasons[reason]) == NULL)
			fail_msg("%s: %s", bytes, e.text);
	} else {
		assert_string_equal(out.bytes, wanted);
		assert_int_equal(is_encrypted, encrypted);
	}
	buffer_free(&out);
	assert_int_equal(in_use, 0);
}

#define BEGIN(label) "-----BEGIN " label "-----\n"
#define END(label) "-----END " label "-----\n"
#define PEM(label, body) BEGIN(label) body END(label)
#define CERTIFICATE PEM("CERTIFICATE", "MAMCAQU=\n")
#define KEY PEM("PRIVATE KEY", "MAMCAQU=\n")
#define RSA(body) PEM("RSA PRIVATE KEY", body)
#define PROC "Proc-Type: 4,ENCRYPTED\n"
#define V2(body) PEM("OpenVPN tls-crypt-v2 client key", body)
#define TWENTY "abcdefghij0123456789"
#define SIXTY TWENTY TWENTY TWENTY

static void test_pem(void **state)
{
	static const struct {
		enum block_kind kind;
		const char *text, *wanted;
		int reason;
		bool encrypted;
	} all[] = {
	    {BLOCK_CERTIFICATES, CERTIFICATE, CERTIFICATE, 0, false},
	    {BLOCK_CERTIFICATES, "words\n" CERTIFICATE "\n" CERTIFICATE "words", CERTIFICATE CERTIFICATE, 0,
	     false},
	    {BLOCK_CERTIFICATES,
	     "\t -----BEGIN CERTIFICATE----- \r\n MAMC \t\r\nAQU=\r\n \t-----END CERTIFICATE----- ",
	     CERTIFICATE, 0, false},
	    {BLOCK_CERTIFICATES, KEY CERTIFICATE KEY, CERTIFICATE, 0, false},
	    {BLOCK_CERTIFICATES, PEM("CERTIFICATE", "MAICAQ==\n"), PEM("CERTIFICATE", "MAICAQ==\n"), 0,
	     false},
	    {BLOCK_CERTIFICATES, PEM("CERTIFICATE", "MAECAQU=\n"), NULL, DAMAGED, false},
	    {BLOCK_CERTIFICATES, PEM("CERTIFICATE", "MAICAQ=\n"), NULL, DAMAGED, false},
	    {BLOCK_CERTIFICATES, "", NULL, NO_BLOCK, false},
	    {BLOCK_CERTIFICATES, KEY, NULL, NO_BLOCK, false},
	    {BLOCK_CERTIFICATES, BEGIN("CERTIFICATE") "MAMCAQU=\n" END("X509 CERTIFICATE"), NULL, DAMAGED,
	     false},
	    {BLOCK_CERTIFICATES, BEGIN("CERTIFICATE") "MAMCAQU=\n", NULL, NO_END, false},
	    {BLOCK_CERTIFICATES, BEGIN("X"), NULL, NO_END, false},
	    {BLOCK_CERTIFICATES, BEGIN(""), NULL, NO_BLOCK, false},
	    {BLOCK_CERTIFICATES, BEGIN(SIXTY "123"), NULL, NO_END, false},
	    {BLOCK_CERTIFICATES, BEGIN(SIXTY "1234"), NULL, NO_BLOCK, false},
	    {BLOCK_CERTIFICATES, "----=BEGIN CERTIFICATE-----\n", NULL, NO_BLOCK, false},
	    {BLOCK_CERTIFICATES, "-----BEGIM CERTIFICATE-----\n", NULL, NO_BLOCK, false},
	    {BLOCK_CERTIFICATES, "-----BEGIN_CERTIFICATE-----\n", NULL, NO_BLOCK, false},
	    {BLOCK_CERTIFICATES, "-----BEGIN CERTIFICATE=----\n", NULL, NO_BLOCK, false},
	    {BLOCK_CERTIFICATES, "-----BEGIN CERTIFICATE----=\n", NULL, NO_BLOCK, false},
	    {BLOCK_CERTIFICATES, PEM("CERTIFICATE", PROC "DEK-Info: abc\n\nMAMCAQU=\n"), NULL, DAMAGED,
	     false}, /* only of a key */
	    {BLOCK_CRL, PEM("X509 CRL", "MAA=\n") PEM("X509 CRL", "MAEB\n"),
	     PEM("X509 CRL", "MAA=\n") PEM("X509 CRL", "MAEB\n"), 0, false},
	    {BLOCK_KEY, KEY PEM("PRIVATE KEY", "MAEB\n"), KEY, 0, false},
	    {BLOCK_KEY, KEY PEM("ENCRYPTED PRIVATE KEY", "MAEB\n"), KEY, 0, false},
	    {BLOCK_KEY, PEM("ENCRYPTED PRIVATE KEY", "MAEB\n"), PEM("ENCRYPTED PRIVATE KEY", "MAEB\n"), 0,
	     true},
	    {BLOCK_KEY, RSA(PROC "DEK-Info: AES-128-CBC,0A\n\nAAAA\n"),
	     RSA(PROC "DEK-Info: AES-128-CBC,0A\n\nAAAA\n"), 0, true},
	    {BLOCK_KEY, RSA(PROC " DEK-Info: ab\r\n \nAAAA\n"), RSA(PROC "DEK-Info: ab\n\nAAAA\n"), 0, true},
	    {BLOCK_KEY, RSA(PROC "DEK-Info: a\n\nAAAA\n"), NULL, DAMAGED, false},
	    {BLOCK_KEY, RSA(PROC "DEK-Info: " SIXTY "0123456789\n\nAAAA\n"),
	     RSA(PROC "DEK-Info: " SIXTY "0123456789\n\nAAAA\n"), 0, true},
	    {BLOCK_KEY, RSA(PROC "DEK-Info: " SIXTY "0123456789a\n\nAAAA\n"), NULL, DAMAGED, false},
	    {BLOCK_KEY, RSA(PROC "DEK-Infos:abc\n\nAAAA\n"), NULL, DAMAGED, false},
	    {BLOCK_KEY, RSA(PROC "DEK-Info: a;c\n\nAAAA\n"), NULL, DAMAGED, false},
	    {BLOCK_KEY, RSA(PROC "DEK-Info: abc\nAAAA\n"), NULL, DAMAGED, false},
	    {BLOCK_KEY, RSA(PROC "DEK-Info: abc\nAAAA\nAAAA\n"), NULL, DAMAGED, false},
	    {BLOCK_KEY, RSA("Proc-Type: 4,ENCRYPTEX\nDEK-Info: abc\n\nAAAA\n"), NULL, DAMAGED, false},
	    {BLOCK_KEY, RSA("\nMAMCAQU=\n"), RSA("MAMCAQU=\n"), 0, false},
	    {BLOCK_KEY, RSA(PROC "DEK-Info: abc\n"), NULL, DAMAGED, false},
	    {BLOCK_KEY, RSA(PROC), NULL, DAMAGED, false},
	    {BLOCK_KEY, RSA(PROC "DEK-Info: abc\n\n"), NULL, DAMAGED, false},
	    {BLOCK_KEY, RSA("AAAA\n"), NULL, DAMAGED, false}, /* without headers it is DER */
	    {BLOCK_V2_KEY, V2("AAAA\n") V2("AAAB\n"), V2("AAAA\n"), 0, false},
	    {BLOCK_V2_KEY, V2("\n"), NULL, DAMAGED, false},
	    {BLOCK_V2_KEY, V2("AAA\n"), NULL, DAMAGED, false},
	    {BLOCK_V2_KEY, V2("A===\n"), NULL, DAMAGED, false},
	    {BLOCK_V2_KEY, V2("AAAA====\n"), NULL, DAMAGED, false},
	    {BLOCK_V2_KEY, V2("AAA=AAAA\n"), NULL, DAMAGED, false},
	    {BLOCK_V2_KEY, V2("AA=A\n"), NULL, DAMAGED, false},
	    {BLOCK_V2_KEY, V2("AA*A\n"), NULL, DAMAGED, false},
	    {BLOCK_FINGERPRINTS, "# words\n; more\n\n ab:CD:09 \nef\n", "ab:CD:09\nef\n", 0, false},
	    {BLOCK_FINGERPRINTS, "\n# ab\n;cd\n", NULL, NO_FINGERPRINTS, false},
	    {BLOCK_FINGERPRINTS, "ab:cg\n", NULL, NO_FINGERPRINT, false},
	    {BLOCK_FINGERPRINTS, "ab-cd\n", NULL, NO_FINGERPRINT, false},
	    {BLOCK_FINGERPRINTS, "a:bc\n", NULL, NO_FINGERPRINT, false},
	    {BLOCK_BASE64, "MAMC\nAQU=", "MAMCAQU=\n", 0, false},
	    {BLOCK_BASE64, "MAECAQU=", NULL, NO_BASE64, false},
	    {BLOCK_BASE64, "MAMCAQU", NULL, NO_BASE64, false},
	    {BLOCK_BASE64, "MAMCAQU=*", NULL, NO_BASE64, false},
	    {BLOCK_BASE64, "", NULL, NO_BASE64, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
		rewrites(all[i].kind, all[i].text, strlen(all[i].text), false, all[i].wanted, all[i].reason,
			 all[i].encrypted);
}

/* A NUL is no end of anything. */
static void test_nul(void **state)
{
	static const char label[] = "-----BEGIN CERTIFICATE\0-----\nMAMCAQU=\n-----END CERTIFICATE-----\n",
			  body[] = V2("AA\0AA\n"), base64[] = "MAM\0CAQU=";

	(void)state;
	rewrites(BLOCK_CERTIFICATES, label, sizeof label - 1, false, NULL, NO_BLOCK, false);
	rewrites(BLOCK_V2_KEY, body, sizeof body - 1, false, NULL, DAMAGED, false);
	rewrites(BLOCK_BASE64, base64, sizeof base64 - 1, false, NULL, NO_BASE64, false);
}

static void test_labels(void **state)
{
	static const struct {
		const char *label;
		enum block_kind kind;
	} all[] = {{"CERTIFICATE", BLOCK_CERTIFICATES},
		   {"X509 CERTIFICATE", BLOCK_CERTIFICATES},
		   {"PRIVATE KEY", BLOCK_KEY},
		   {"ENCRYPTED PRIVATE KEY", BLOCK_KEY},
		   {"RSA PRIVATE KEY", BLOCK_KEY},
		   {"EC PRIVATE KEY", BLOCK_KEY},
		   {"DSA PRIVATE KEY", BLOCK_KEY},
		   {"X509 CRL", BLOCK_CRL},
		   {"OpenVPN tls-crypt-v2 client key", BLOCK_V2_KEY},
		   {"TRUSTED CERTIFICATE", BLOCK_BASE64}};
	static const enum block_kind kinds[] = {BLOCK_CERTIFICATES, BLOCK_KEY, BLOCK_CRL, BLOCK_STATIC_KEY,
						BLOCK_V2_KEY};
	char text[256];

	(void)state;
	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
		snprintf(text, sizeof text, BEGIN("%s") "MAMCAQU=\n" END("%s"), all[i].label, all[i].label);
		for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++)
			rewrites(kinds[k], text, strlen(text), false, kinds[k] == all[i].kind ? text : NULL,
				 NO_BLOCK, strcmp(all[i].label, "ENCRYPTED PRIVATE KEY") == 0);
	}
}

/* One DER sequence, of the length that it states. */
static void test_sequences(void **state)
{
#define BYTES(text) text, sizeof(text) - 1
	static const struct {
		const char *bytes;
		size_t length, rest; /* so many bytes more */
		bool good;
	} all[] = {{BYTES("\x30\x00"), 0, true},
		   {BYTES("\x30"), 0, false},
		   {BYTES(""), 0, false},
		   {BYTES("\x31\x00"), 0, false},
		   {BYTES("\x30\x01"), 0, false},
		   {BYTES("\x30\x01"), 1, true},
		   {BYTES("\x30\x01"), 2, false},
		   {BYTES("\x30\x7f"), 0x7f, true},
		   {BYTES("\x30\x80"), 0, false},
		   {BYTES("\x30\x80"), 0x80, false},
		   {BYTES("\x30\x81"), 0, false},
		   {BYTES("\x30\x81\x00"), 0, true},
		   {BYTES("\x30\x81\x80"), 0x80, true},
		   {BYTES("\x30\x82\x01"), 0, false},
		   {BYTES("\x30\x82\x01\x02"), 0x102, true},
		   {BYTES("\x30\x82\x01\x02"), 0x101, false},
		   {BYTES("\x30\x84\x00\x00\x01\x00"), 0x100, true},
		   {BYTES("\x30\x84\x00\x00\x01"), 0, false},
		   {BYTES("\x30\x85\x00\x00\x00\x01\x00"), 0x100, false}};
#undef BYTES
	char bytes[1024];

	(void)state;
	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
		struct buffer out = {0};
		struct err e = {""};
		bool encrypted = true;
		int wanted = all[i].good ? 0 : -1;

		memset(bytes, 0, sizeof bytes);
		memcpy(bytes, all[i].bytes, all[i].length);
		if (block_rewrite(BLOCK_BASE64, bytes, all[i].length + all[i].rest, true, &out, &encrypted,
				  &e) != wanted)
			fail_msg("row %zu: %s", i, e.text);
		assert_false(encrypted);
		if (!all[i].good)
			assert_non_null(strstr(e.text, reasons[NO_FILE]));
		buffer_free(&out);
	}
}

/* Every digit, and lines of 64 of them, whatever they were before. */
static void test_lines(void **state)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	static const char *const ends[] = {"", "QQ==", "QUI=", "QUJD"};
	char text[512], wanted[512];

	(void)state;
	for (int lines = 0; lines < 3; lines++) {
		for (size_t i = lines == 0; i < sizeof ends / sizeof ends[0]; i++) {
			const char *line = lines > 0 ? digits : "", *second = lines > 1 ? digits : "";

			snprintf(text, sizeof text, V2("%s%s%s\n"), line, second, ends[i]);
			snprintf(wanted, sizeof wanted, V2("%s%s%s%s%s%s"), line, lines > 0 ? "\n" : "",
				 second, lines > 1 ? "\n" : "", ends[i], ends[i][0] != '\0' ? "\n" : "");
			rewrites(BLOCK_V2_KEY, text, strlen(text), false, wanted, 0, false);
		}
	}
}

static void test_static_key(void **state)
{
#define LABEL "OpenVPN Static key V1"
	char text[1024] = BEGIN(LABEL), wanted[1024] = BEGIN(LABEL);

	(void)state;
	for (int i = 0; i < 32; i++)
		strcat(text, i % 2 == 0 ? "0123456789ABCDEF" : " \tfedcba\n9876543210");
	strcat(text, "\n" END(LABEL));
	for (int i = 0; i < 16; i++)
		strcat(wanted, "0123456789abcdeffedcba9876543210\n");
	strcat(wanted, END(LABEL));
	rewrites(BLOCK_STATIC_KEY, text, strlen(text), false, wanted, 0, false);
	/* The line that it was put together in is wiped too. */
	memset(wiped, 0, sizeof wiped);
	wiped_length = 0;
	rewrites(BLOCK_STATIC_KEY, wanted, strlen(wanted), false, wanted, 0, false);
	assert_int_equal(wiped_length, 33);
	assert_memory_equal(wiped, "0123456789abcdeffedcba9876543210\n", 33);
#undef LABEL
}

static void test_long_fingerprints(void **state)
{
	char text[128], wanted[sizeof text + 2];

	(void)state;
	for (size_t i = 0; i < 96; i++)
		text[i] = "ab:"[i % 3];
	text[95] = '\0';
	snprintf(wanted, sizeof wanted, "%s\n", text);
	rewrites(BLOCK_FINGERPRINTS, text, 95, false, wanted, 0, false);
	text[95] = ':';
	rewrites(BLOCK_FINGERPRINTS, text, 96, false, NULL, NO_FINGERPRINT, false);
}

/* What is longer than it says is no PKCS #12, even if there is room only for so much of it; and what is
 * damaged is said to be. */
static void test_too_long_without_memory(void **state)
{
	static const char damaged[] = PEM("CERTIFICATE", "MAECAQU=\n");
	char text[1024 / 3 * 4 + 8] = "MIID+wAA"; /* 1019 bytes are to follow the first four */
	struct buffer out = {0};
	struct err e = {""};
	bool encrypted;

	(void)state;
	memset(text + 8, 'A', 1023 / 3 * 4 - 8);
	for (unsigned more = 0; more < 2; more++) {
		strcat(text, more ? "AAAA" : "");
		fails_at = more ? 2 : 0;
		assert_int_equal(block_rewrite(BLOCK_BASE64, text, strlen(text), false, &out, &encrypted, &e),
				 more ? -1 : 0);
		assert_int_equal(fails_at, 0);
		buffer_free(&out);
	}
	fails_at = 1;
	assert_int_equal(
	    block_rewrite(BLOCK_CERTIFICATES, damaged, strlen(damaged), false, &out, &encrypted, &e), -1);
	assert_non_null(strstr(e.text, reasons[DAMAGED]));
	buffer_free(&out);
}

/* Whichever piece of memory is not there. */
static void test_blocks_without_memory(void **state)
{
	static const struct {
		enum block_kind kind;
		const char *text;
		unsigned needed;
	} all[] = {{BLOCK_CERTIFICATES, CERTIFICATE, 2},
		   {BLOCK_V2_KEY, V2("AAAA\n"), 2},
		   {BLOCK_BASE64, "MAMCAQU=", 2},
		   {BLOCK_FINGERPRINTS, "ab", 1}};

	(void)state;
	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
		for (unsigned at = 1; at <= all[i].needed; at++) {
			struct buffer out = {0};
			struct err e = {""};
			bool encrypted;

			fails_at = at;
			assert_int_equal(block_rewrite(all[i].kind, all[i].text, strlen(all[i].text), false,
						       &out, &encrypted, &e),
					 -1);
			assert_int_equal(fails_at, 0);
			buffer_free(&out);
			assert_int_equal(in_use, 0);
		}
	}
	fails_at = 0;
}

#define TEST(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_growing),
	    TEST(test_taking),
	    TEST(test_no_memory),
	    TEST(test_pem),
	    TEST(test_nul),
	    TEST(test_labels),
	    TEST(test_sequences),
	    TEST(test_lines),
	    TEST(test_static_key),
	    TEST(test_long_fingerprints),
	    TEST(test_blocks_without_memory),
	    TEST(test_too_long_without_memory),
	};

	return cmocka_run_group_tests_name("blocks", tests, NULL, NULL);
}
