/* The private key: read, held against the certificate, and used. */
#include "driver/key/sign.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/canonical.h"
#include "base/secret.h"
#include "base/text.h"
#include "driver/login/credentials.h"

enum { KEY_FILE_MAX = 4 * 1024 * 1024, RSA_MIN = 1024 };

struct passphrase {
	struct credentials credentials;
	bool asked;
};

/* All of a file, from 0 and without moving in it: another process may have the same descriptor. It is
 * terminated; the caller wipes and frees. */
static char *read_whole(int descriptor, size_t most, size_t *length)
{
	struct stat status;
	char *bytes;

	*length = 0;
	if (fstat(descriptor, &status) == -1 || status.st_size < 0 || (size_t)status.st_size > most ||
	    (bytes = calloc(1, (size_t)status.st_size + 1)) == NULL)
		return NULL;
	for (ssize_t got = 1; got > 0 && *length < (size_t)status.st_size;) {
		got = pread(descriptor, bytes + *length, (size_t)status.st_size - *length, (off_t)*length);
		*length += got > 0 ? (size_t)got : 0;
	}
	return bytes;
}

static void discard(char *bytes, size_t length)
{
	if (bytes != NULL)
		secret_wipe_bytes(bytes, length);
	free(bytes);
}

static int passphrase_cb(char *to, int size, int writing, void *argument)
{
	struct passphrase *passphrase = argument;
	const struct secret *secret = &passphrase->credentials.passphrase;

	(void)writing;
	passphrase->asked = true;
	if (secret->length == 0 || secret->length > (size_t)size)
		return -1;
	memcpy(to, secret->bytes, secret->length);
	return (int)secret->length;
}

/* Why OpenSSL has taken no key. */
static void describe_lack(const struct passphrase *passphrase, size_t length, struct err *e)
{
	if (length == 0)
		err_set(e, "the private key is missing, empty or not root's alone; instead: a PEM file in "
			   "credentials { key }, mode 600");
	else if (passphrase->asked && passphrase->credentials.passphrase.length == 0)
		err_set(e, "the private key is encrypted, and its passphrase is not there; instead: set "
			   "credentials { key-passphrase-file }, one line, mode 600");
	else if (passphrase->asked)
		err_set(e, "the passphrase of the private key is wrong; instead: correct the file of "
			   "credentials { key-passphrase-file }");
	else
		err_set(e,
			"the file of the private key holds none that can be used; instead: PEM, as `openssl "
			"pkey` writes it");
}

static EVP_PKEY *read_key(int descriptor, int passphrase_file, struct err *e)
{
	struct passphrase passphrase = {.asked = false};
	EVP_PKEY *key = NULL;
	BIO *bio = NULL;
	size_t length = 0;
	char *bytes = NULL;

	if (credentials_passphrase(passphrase_file, &passphrase.credentials, e) == -1)
		return NULL;
	bytes = read_whole(descriptor, KEY_FILE_MAX, &length);
	if (length > 0 && (bio = BIO_new_mem_buf(bytes, (int)length)) != NULL)
		key = PEM_read_bio_PrivateKey(bio, NULL, passphrase_cb, &passphrase);
	if (key == NULL)
		describe_lack(&passphrase, length, e);
	BIO_free(bio);
	discard(bytes, length);
	credentials_wipe(&passphrase.credentials);
	return key;
}

/* The certificate of the profile: the first one in its block. */
X509 *key_certificate(int profile)
{
	size_t length = 0;
	char *text = read_whole(profile, CANONICAL_SIZE_MAX, &length);
	const char *block = text != NULL ? strstr(text, "\n<cert>\n") : NULL;
	BIO *bio = block != NULL ? BIO_new_mem_buf(block, -1) : NULL;
	X509 *certificate = bio != NULL ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;

	BIO_free(bio);
	discard(text, length);
	return certificate;
}

bool key_is(const EVP_PKEY *key, uint32_t form)
{
	if (form == KEY_ECDSA)
		return EVP_PKEY_is_a(key, "EC") == 1;
	if (form == KEY_EDDSA)
		return EVP_PKEY_is_a(key, "ED25519") == 1 || EVP_PKEY_is_a(key, "ED448") == 1;
	return EVP_PKEY_is_a(key, "RSA") == 1 || (form == KEY_RSA_PSS && EVP_PKEY_is_a(key, "RSA-PSS") == 1);
}

/* Of a kind, and of a size, that key_sign knows. */
static int check_kind(const EVP_PKEY *key, struct err *e)
{
	bool rsa = key_is(key, KEY_RSA_PSS);

	if (!rsa && !key_is(key, KEY_ECDSA) && !key_is(key, KEY_EDDSA))
		return err_set(
		    e, "the private key is of a kind that is not supported; instead: RSA, EC, Ed25519");
	if (EVP_PKEY_size(key) > KEY_SIGNATURE_MAX || (rsa && EVP_PKEY_bits(key) < RSA_MIN))
		return err_set(e, "the private key has %d bits; instead: RSA with %d to %d bits",
			       EVP_PKEY_bits(key), RSA_MIN, 8 * KEY_SIGNATURE_MAX);
	return 0;
}

static int check(EVP_PKEY *key, X509 *certificate, struct err *e)
{
	if (check_kind(key, e) == -1)
		return -1;
	if (certificate == NULL)
		return err_set(
		    e, "the profile's certificate (cert) can't be read; instead: the whole file again");
	if (X509_check_private_key(certificate, key) != 1)
		return err_set(e, "the private key is not that of the profile's certificate (cert); instead: "
				  "name the key that belongs to it in credentials { key }");
	return 0;
}

EVP_PKEY *key_checked(EVP_PKEY *key, X509 *certificate, struct err *e)
{
	if (key != NULL && check(key, certificate, e) == -1) {
		EVP_PKEY_free(key);
		key = NULL;
	}
	X509_free(certificate);
	ERR_clear_error();
	return key;
}

EVP_PKEY *key_load(int descriptor, int passphrase, int profile, struct err *e)
{
	EVP_PKEY *key = read_key(descriptor, passphrase, e);

	return key_checked(key, key_certificate(profile), e);
}

static const EVP_MD *digest_of(uint32_t hash)
{
	return hash == KEY_SHA256 ? EVP_sha256() : hash == KEY_SHA384 ? EVP_sha384() : EVP_sha512();
}

/* The padding of RSA. 1, as OpenSSL says it, or another number. */
static int set_padding(EVP_PKEY_CTX *context, const struct key_request *request)
{
	const EVP_MD *digest = digest_of(request->hash);
	bool pss = request->form == KEY_RSA_PSS;

	if (EVP_PKEY_CTX_set_rsa_padding(context, pss ? RSA_PKCS1_PSS_PADDING : RSA_PKCS1_PADDING) != 1 ||
	    EVP_PKEY_CTX_set_signature_md(context, digest) != 1)
		return 0;
	return pss ? EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) : 1;
}

static bool sign_hash(EVP_PKEY *key, const struct key_request *request, unsigned char *to, size_t *length)
{
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key, NULL);
	bool good = context != NULL && EVP_PKEY_sign_init(context) == 1 &&
		    (request->form == KEY_ECDSA || set_padding(context, request) == 1) &&
		    EVP_PKEY_sign(context, to, length, request->data, request->length) == 1;

	EVP_PKEY_CTX_free(context);
	return good;
}

static bool sign_message(EVP_PKEY *key, const struct key_request *request, unsigned char *to, size_t *length)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	bool good = context != NULL && EVP_DigestSignInit(context, NULL, NULL, NULL, key) == 1 &&
		    EVP_DigestSign(context, to, length, request->data, request->length) == 1;

	EVP_MD_CTX_free(context);
	return good;
}

void key_sign(EVP_PKEY *key, const struct key_request *request, struct key_answer *answer)
{
	size_t length = sizeof answer->signature;
	bool good;

	answer->length = 0;
	if (!key_request_fits(request) || !key_is(key, request->form)) {
		text_copy(answer->text, sizeof answer->text,
			  "the private key is not of the kind that the signature is to be of");
		return;
	}
	good = request->form == KEY_EDDSA ? sign_message(key, request, answer->signature, &length)
					  : sign_hash(key, request, answer->signature, &length);
	ERR_clear_error();
	if (good)
		answer->length = (uint32_t)length;
	else
		text_copy(answer->text, sizeof answer->text, "OpenSSL could not sign with the private key");
}
