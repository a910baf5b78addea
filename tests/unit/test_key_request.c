/* What openvpn may have signed: each form, and nothing that is another use of the key. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <string.h>

#include "driver/key/request.h"

enum { INFO = 19 };

static const char infos[3][INFO + 1] = {
    "\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20",
    "\x30\x41\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x02\x05\x00\x04\x30",
    "\x30\x51\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x03\x05\x00\x04\x40"};
static unsigned char hash[64];
static struct key_request request;

static int parse(const void *bytes, size_t length, const char *algorithm, const char *parameters)
{
	char text[1024];
	struct err e = {""};
	int result;

	assert_true(length < 700);
	EVP_EncodeBlock((unsigned char *)text, bytes, (int)length);
	result = key_request_parse(text, algorithm, parameters, &request, &e);
	assert_int_equal(result == 0, e.text[0] == '\0');
	assert_int_equal(result == 0, key_request_fits(&request));
	return result;
}

static void takes(const void *bytes, size_t length, const char *algorithm, const char *parameters,
		  enum key_form form, enum key_hash which)
{
	assert_int_equal(parse(bytes, length, algorithm, parameters), 0);
	assert_int_equal(request.form, form);
	assert_int_equal(request.hash, which);
}

static void refuses(const void *bytes, size_t length, const char *algorithm, const char *parameters)
{
	assert_int_equal(parse(bytes, length, algorithm, parameters), -1);
}

static void test_ecdsa(void **state)
{
	(void)state;
	takes(hash, 32, "ECDSA", "", KEY_ECDSA, KEY_SHA256);
	takes(hash, 48, "ECDSA", "", KEY_ECDSA, KEY_SHA384);
	takes(hash, 64, "ECDSA", "", KEY_ECDSA, KEY_SHA512);
	assert_memory_equal(request.data, hash, 64);
	for (size_t length = 1; length < 64; length++)
		if (length != 32 && length != 48)
			refuses(hash, length, "ECDSA", "");
	refuses(hash, 32, "ECDSA", "hashalg=SHA256,data=message");
	refuses(hash, 32, "", "");
	refuses(hash, 32, "ecdsa", "");
}

static void test_rsa(void **state)
{
	unsigned char bytes[INFO + 65];

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		size_t length = 32 + 16 * i;

		memcpy(bytes, infos[i], INFO);
		memcpy(bytes + INFO, hash, 64);
		takes(bytes, INFO + length, "RSA_PKCS1_PADDING", "", KEY_RSA_PKCS1,
		      (enum key_hash)(KEY_SHA256 + i));
		assert_int_equal(request.length, length);
		assert_memory_equal(request.data, hash, length);
		refuses(bytes, INFO + length - 1, "RSA_PKCS1_PADDING", "");
		refuses(bytes, INFO + length + 1, "RSA_PKCS1_PADDING", "");
		for (size_t at = 0; at < INFO; at++) {
			bytes[at] ^= 1;
			refuses(bytes, INFO + length, "RSA_PKCS1_PADDING", "");
			bytes[at] ^= 1;
		}
		refuses(bytes, INFO + length, "RSA_PKCS1_PADDING", "hashalg=SHA256,data=message");
	}
	refuses(hash, 36, "RSA_PKCS1_PADDING", ""); /* TLS 1.1 */
	refuses(hash, 32, "RSA_PKCS1_PADDING", "");
	refuses(hash, 64, "RSA_NO_PADDING", ""); /* would decrypt whatever it is */
}

static void test_pss(void **state)
{
	static const char algorithm[] = "RSA_PKCS1_PSS_PADDING";

	(void)state;
	takes(hash, 32, algorithm, "hashalg=SHA256,saltlen=digest", KEY_RSA_PSS, KEY_SHA256);
	takes(hash, 48, algorithm, "hashalg=SHA2-384,saltlen=digest", KEY_RSA_PSS, KEY_SHA384);
	takes(hash, 64, algorithm, "hashalg=SHA512,saltlen=digest", KEY_RSA_PSS, KEY_SHA512);
	refuses(hash, 48, algorithm, "hashalg=SHA256,saltlen=digest");
	refuses(hash, 32, algorithm, "hashalg=SHA256,saltlen=max");
	refuses(hash, 32, algorithm, "hashalg=SHA256,saltlen=digest,data=message");
	refuses(hash, 20, algorithm, "hashalg=SHA1,saltlen=digest");
	refuses(hash, 32, algorithm, "saltlen=digest");
	refuses(hash, 32, algorithm, "");
}

/* What is signed must be a handshake of TLS 1.3, of a client. */
static void test_eddsa(void **state)
{
	char message[KEY_DATA_MAX];
	size_t start = 64 + sizeof "TLS 1.3, client CertificateVerify";

	(void)state;
	memset(message, ' ', 64);
	strcpy(message + 64, "TLS 1.3, client CertificateVerify");
	memset(message + start, 7, sizeof message - start);
	takes(message, start + 32, "ED25519", "data=message", KEY_EDDSA, KEY_NO_HASH);
	takes(message, start + 48, "ED448", "data=message", KEY_EDDSA, KEY_NO_HASH);
	assert_memory_equal(request.data, message, start + 48);
	refuses(message, start + 32, "ED25519", "");
	for (size_t length = 1; length <= sizeof message; length++)
		if (length != start + 32 && length != start + 48)
			refuses(message, length, "ED25519", "data=message");
	for (size_t at = 0; at < start; at++) {
		message[at] ^= 1;
		refuses(message, start + 32, "ED25519", "data=message");
		message[at] ^= 1;
	}
}

static void test_strange_text(void **state)
{
	static const char *const texts[] = {
	    "", "=", "====", "AAA", "AA=A", "A===", "!!!!", "AAAA\n", "\xff\xff\xff\xff"};
	struct err e;
	char longest[8192];

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		assert_int_equal(key_request_parse(texts[i], "ECDSA", "", &request, &e), -1);
	memset(longest, 'A', sizeof longest);
	longest[sizeof longest - 4] = '\0';
	assert_int_equal(key_request_parse(longest, "ECDSA", "", &request, &e), -1);
	/* Neither a secret's name nor a line without end gets into the message. */
	assert_int_equal(key_request_parse("AAAA", longest, longest, &request, &e), -1);
	assert_true(strlen(e.text) < 240);
}

/* The other end of the socket does not believe it. */
static void test_bytes_on_the_socket(void **state)
{
	(void)state;
	for (uint32_t form = 0; form < 7; form++)
		for (uint32_t which = 0; which < 6; which++)
			for (uint32_t length = 0; length < 300; length++) {
				bool fits = form >= KEY_ECDSA && form <= KEY_RSA_PSS && which >= KEY_SHA256 &&
					    which <= KEY_SHA512 && length == 16 + 16 * which;

				request = (struct key_request){form, which, length, {0}};
				assert_int_equal(key_request_fits(&request), fits);
			}
	request = (struct key_request){UINT32_MAX, UINT32_MAX, UINT32_MAX, {0}};
	assert_false(key_request_fits(&request));
	request = (struct key_request){KEY_ECDSA, UINT32_MAX, 32, {0}};
	assert_false(key_request_fits(&request));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_ecdsa),        cmocka_unit_test(test_rsa),
	    cmocka_unit_test(test_pss),          cmocka_unit_test(test_eddsa),
	    cmocka_unit_test(test_strange_text), cmocka_unit_test(test_bytes_on_the_socket)};

	for (size_t i = 0; i < sizeof hash; i++)
		hash[i] = (unsigned char)(i + 1);
	return cmocka_run_group_tests_name("requests for signatures", tests, NULL, NULL);
}
