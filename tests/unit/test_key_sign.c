/* The private key: every signature is believed by OpenSSL's own check of it; and which keys are not taken. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <fcntl.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "driver/key/sign.h"

static int scratch(void)
{
	char name[] = "/tmp/key-XXXXXX";
	int fd = mkstemp(name);

	assert_true(fd != -1);
	unlink(name);
	return fd;
}

static EVP_PKEY *make_key(int kind, int detail)
{
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_id(kind, NULL);
	EVP_PKEY *key = NULL;

	assert_int_equal(EVP_PKEY_keygen_init(context), 1);
	if (kind == EVP_PKEY_RSA)
		assert_int_equal(EVP_PKEY_CTX_set_rsa_keygen_bits(context, detail), 1);
	if (kind == EVP_PKEY_EC)
		assert_int_equal(EVP_PKEY_CTX_set_ec_paramgen_curve_nid(context, detail), 1);
	assert_int_equal(EVP_PKEY_keygen(context, &key), 1);
	EVP_PKEY_CTX_free(context);
	return key;
}

static X509 *certify(EVP_PKEY *key)
{
	X509 *certificate = X509_new();
	bool own = EVP_PKEY_base_id(key) == EVP_PKEY_ED25519;

	ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
	X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
	X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
	assert_int_equal(X509_set_pubkey(certificate, key), 1);
	assert_true(X509_sign(certificate, key, own ? NULL : EVP_sha256()) > 0);
	return certificate;
}

/* A canonical profile with this certificate; NULL: none. */
static int profile_with(X509 *certificate)
{
	static const char head[] = "client\n<ca>\nAAAA\n</ca>\n<cert>\n";
	BIO *bio = BIO_new(BIO_s_mem());
	char *text;
	long length;
	int fd = scratch();

	if (certificate != NULL)
		PEM_write_bio_X509(bio, certificate);
	length = BIO_get_mem_data(bio, &text);
	assert_true(write(fd, head, sizeof head - 1) == (ssize_t)sizeof head - 1 &&
		    write(fd, text, (size_t)length) == length && write(fd, "</cert>\n", 8) == 8);
	BIO_free(bio);
	return fd; /* its offset is at the end, as openvpn's may be */
}

static int file_with(EVP_PKEY *key, const char *passphrase)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text;
	long length;
	int fd = scratch();

	assert_int_equal(PEM_write_bio_PKCS8PrivateKey(bio, key,
						       passphrase != NULL ? EVP_aes_256_cbc() : NULL, NULL, 0,
						       NULL, (void *)(uintptr_t)passphrase),
			 1);
	length = BIO_get_mem_data(bio, &text);
	assert_true(write(fd, text, (size_t)length) == length);
	BIO_free(bio);
	return fd;
}

static int text_file(const char *text)
{
	int fd = scratch();

	assert_true(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	return fd;
}

static EVP_PKEY *load(int file, int passphrase, int profile, struct err *e)
{
	EVP_PKEY *loaded = key_load(file, passphrase, profile, e);

	assert_int_equal(loaded == NULL, e->text[0] != '\0');
	close(file);
	close(passphrase);
	close(profile);
	return loaded;
}

static void fill(struct key_request *request, enum key_form form, enum key_hash hash)
{
	static const char words[] = "TLS 1.3, client CertificateVerify";

	*request = (struct key_request){.form = form, .hash = hash, .length = 16 + 16 * hash};
	memset(request->data, 7, request->length);
	if (form != KEY_EDDSA)
		return;
	memset(request->data, ' ', 64);
	memcpy(request->data + 64, words, sizeof words);
	request->length = 64 + sizeof words + 32;
	memset(request->data + 64 + sizeof words, 7, 32);
}

static bool verifies(EVP_PKEY *key, const struct key_request *request, const struct key_answer *answer)
{
	static const EVP_MD *(*const digests[])(void) = {NULL, EVP_sha256, EVP_sha384, EVP_sha512};
	EVP_MD_CTX *message = EVP_MD_CTX_new();
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key, NULL);
	bool good;

	if (request->form == KEY_EDDSA) {
		good = EVP_DigestVerifyInit(message, NULL, NULL, NULL, key) == 1 &&
		       EVP_DigestVerify(message, answer->signature, answer->length, request->data,
					request->length) == 1;
	} else {
		assert_int_equal(EVP_PKEY_verify_init(context), 1);
		if (request->form != KEY_ECDSA) {
			assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(context, request->form == KEY_RSA_PSS
										   ? RSA_PKCS1_PSS_PADDING
										   : RSA_PKCS1_PADDING),
					 1);
			assert_int_equal(EVP_PKEY_CTX_set_signature_md(context, digests[request->hash]()), 1);
		}
		if (request->form == KEY_RSA_PSS)
			assert_int_equal(EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST),
					 1);
		good = EVP_PKEY_verify(context, answer->signature, answer->length, request->data,
				       request->length) == 1;
	}
	EVP_MD_CTX_free(message);
	EVP_PKEY_CTX_free(context);
	return good;
}

static const struct {
	int kind, detail;
	unsigned forms; /* bits */
} kinds[] = {
    {EVP_PKEY_RSA, 2048, 1 << KEY_RSA_PKCS1 | 1 << KEY_RSA_PSS},
    {EVP_PKEY_RSA, 4096, 1 << KEY_RSA_PKCS1 | 1 << KEY_RSA_PSS},
    {EVP_PKEY_EC, NID_X9_62_prime256v1, 1 << KEY_ECDSA},
    {EVP_PKEY_EC, NID_secp384r1, 1 << KEY_ECDSA},
    {EVP_PKEY_EC, NID_secp521r1, 1 << KEY_ECDSA},
    {EVP_PKEY_ED25519, 0, 1 << KEY_EDDSA},
};

static void test_each_kind(void **state)
{
	static struct key_answer answer;

	(void)state;
	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		EVP_PKEY *key = make_key(kinds[i].kind, kinds[i].detail), *loaded;
		X509 *certificate = certify(key);
		struct err e = {""};

		loaded = load(file_with(key, NULL), text_file(""), profile_with(certificate), &e);
		assert_non_null(loaded);
		for (int form = KEY_ECDSA; form <= KEY_EDDSA; form++) {
			for (int hash = KEY_SHA256; hash <= KEY_SHA512; hash++) {
				bool may = (kinds[i].forms & 1U << form) != 0;
				struct key_request request;

				fill(&request, (enum key_form)form,
				     form == KEY_EDDSA ? KEY_NO_HASH : (enum key_hash)hash);
				answer.text[0] = '\0';
				key_sign(loaded, &request, &answer);
				assert_int_equal(answer.length > 0, may);
				assert_int_equal(answer.text[0] == '\0', may);
				if (may) {
					assert_true(verifies(key, &request, &answer));
					answer.signature[answer.length / 2] ^= 1; /* the control */
					assert_false(verifies(key, &request, &answer));
				}
			}
		}
		EVP_PKEY_free(loaded);
		EVP_PKEY_free(key);
		X509_free(certificate);
	}
}

static void test_what_is_no_request(void **state)
{
	static struct key_answer answer;
	EVP_PKEY *key = make_key(EVP_PKEY_EC, NID_X9_62_prime256v1);
	struct key_request request;

	(void)state;
	fill(&request, KEY_ECDSA, KEY_SHA256);
	request.length = 31;
	key_sign(key, &request, &answer);
	assert_int_equal(answer.length, 0);
	assert_string_not_equal(answer.text, "");
	EVP_PKEY_free(key);
}

static void refused(int file, const char *passphrase, int profile, const char *why)
{
	struct err e = {""};

	assert_null(load(file, text_file(passphrase), profile, &e));
	if (strstr(e.text, why) == NULL)
		fail_msg("\"%s\" is not in \"%s\"", why, e.text);
}

static void test_what_is_not_taken(void **state)
{
	EVP_PKEY *key = make_key(EVP_PKEY_EC, NID_X9_62_prime256v1),
		 *other = make_key(EVP_PKEY_EC, NID_X9_62_prime256v1), *weak = make_key(EVP_PKEY_RSA, 768),
		 *exchange = make_key(EVP_PKEY_X25519, 0), *loaded;
	X509 *certificate = certify(key);
	struct err e = {""};

	(void)state;
	refused(text_file(""), "", profile_with(certificate),
		"is missing, empty or not root's alone; instead: ");
	refused(text_file("\n"), "", profile_with(certificate), "holds none that can be used; instead: PEM");
	refused(file_with(other, NULL), "", profile_with(certificate),
		"is not that of the profile's certificate");
	refused(file_with(key, NULL), "", profile_with(NULL), "certificate (cert) can't be read");
	refused(file_with(key, NULL), "", text_file("client\n"), "certificate (cert) can't be read");
	refused(file_with(weak, NULL), "", profile_with(certificate),
		"has 768 bits; instead: RSA with 1024 to 8192");
	refused(file_with(exchange, NULL), "", profile_with(certificate), "of a kind that is not supported");
	refused(file_with(key, "horse"), "", profile_with(certificate),
		"is encrypted, and its passphrase is not there");
	refused(file_with(key, "horse"), "house\n", profile_with(certificate),
		"the passphrase of the private key is wrong");
	refused(file_with(key, "horse"), "\n", profile_with(certificate), "has no line for it");
	loaded = load(file_with(key, "horse"), text_file("horse\n"), profile_with(certificate), &e);
	assert_non_null(loaded);
	EVP_PKEY_free(loaded);
	EVP_PKEY_free(key);
	EVP_PKEY_free(other);
	EVP_PKEY_free(weak);
	EVP_PKEY_free(exchange);
	X509_free(certificate);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_each_kind),
					   cmocka_unit_test(test_what_is_no_request),
					   cmocka_unit_test(test_what_is_not_taken)};

	return cmocka_run_group_tests_name("private key", tests, NULL, NULL);
}
