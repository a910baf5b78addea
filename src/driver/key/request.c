/* What openvpn wants to have signed, as one of the forms that the process with the key takes. */
#include "driver/key/request.h"

#include <openssl/evp.h>
#include <string.h>

#include "base/secret.h"

enum { DIGEST_INFO = 19, BASE64_MAX = 4 * ((KEY_DATA_MAX + 2) / 3) };

static const struct {
	uint32_t length;
	const char *info; /* what PKCS #1 puts before it: RFC 8017, 9.2 */
	const char *names[2];
} hashes[] = {
    [KEY_SHA256] = {32,
		    "\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20",
		    {"SHA256", "SHA2-256"}},
    [KEY_SHA384] = {48,
		    "\x30\x41\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x02\x05\x00\x04\x30",
		    {"SHA384", "SHA2-384"}},
    [KEY_SHA512] = {64,
		    "\x30\x51\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x03\x05\x00\x04\x40",
		    {"SHA512", "SHA2-512"}},
};

enum { HASHES = sizeof hashes / sizeof *hashes };

/* RFC 8446, 4.4.3: 64 blanks, these words, a NUL, and the hash of the handshake. */
static bool is_handshake(const unsigned char *data, uint32_t length)
{
	static const char words[] = "TLS 1.3, client CertificateVerify";
	enum { BLANKS = 64, BEFORE = BLANKS + sizeof words };

	if (length != BEFORE + hashes[KEY_SHA256].length && length != BEFORE + hashes[KEY_SHA384].length)
		return false;
	for (size_t i = 0; i < BLANKS; i++) {
		if (data[i] != ' ')
			return false;
	}
	return memcmp(data + BLANKS, words, sizeof words) == 0;
}

bool key_request_fits(const struct key_request *request)
{
	if (request->length > KEY_DATA_MAX)
		return false;
	if (request->form == KEY_EDDSA)
		return request->hash == KEY_NO_HASH && is_handshake(request->data, request->length);
	return request->form >= KEY_ECDSA && request->form <= KEY_RSA_PSS && request->hash > KEY_NO_HASH &&
	       request->hash < HASHES && request->length == hashes[request->hash].length;
}

static int decode(const char *base64, struct key_request *request)
{
	unsigned char bytes[BASE64_MAX];
	size_t length = strlen(base64);
	int got;

	if (length == 0 || length > BASE64_MAX || length % 4 != 0)
		return -1;
	if ((got = EVP_DecodeBlock(bytes, (const unsigned char *)base64, (int)length)) <= 0)
		return -1;
	for (size_t i = 1; i <= 2 && base64[length - i] == '='; i++)
		got--;
	if (got < 1 || got > KEY_DATA_MAX)
		return -1;
	request->length = (uint32_t)got;
	memcpy(request->data, bytes, (size_t)got);
	return 0;
}

/* The hash that is so long, behind `before` bytes; KEY_NO_HASH: none is. */
static uint32_t hash_of_length(uint32_t length, uint32_t before)
{
	for (uint32_t hash = KEY_SHA256; hash < HASHES; hash++) {
		if (length == before + hashes[hash].length)
			return hash;
	}
	return KEY_NO_HASH;
}

/* What PKCS #1 puts before the hash says which it is; it goes. */
static void strip_info(struct key_request *request)
{
	uint32_t hash = hash_of_length(request->length, DIGEST_INFO);

	if (hash == KEY_NO_HASH || memcmp(request->data, hashes[hash].info, DIGEST_INFO) != 0)
		return;
	request->hash = hash;
	request->length -= DIGEST_INFO;
	memmove(request->data, request->data + DIGEST_INFO, request->length);
	memset(request->data + request->length, 0, DIGEST_INFO);
}

/* "hashalg=SHA256,saltlen=digest" */
static uint32_t pss_hash(const char *parameters)
{
	static const char start[] = "hashalg=", salt[] = ",saltlen=digest";

	if (strncmp(parameters, start, sizeof start - 1) != 0)
		return KEY_NO_HASH;
	parameters += sizeof start - 1;
	for (uint32_t hash = KEY_SHA256; hash < HASHES; hash++) {
		for (size_t i = 0; i < 2; i++) {
			size_t length = strlen(hashes[hash].names[i]);

			if (strncmp(parameters, hashes[hash].names[i], length) == 0 &&
			    strcmp(parameters + length, salt) == 0)
				return hash;
		}
	}
	return KEY_NO_HASH;
}

static void choose_form(const char *algorithm, const char *parameters, struct key_request *request)
{
	if (strcmp(algorithm, "ECDSA") == 0 && parameters[0] == '\0') {
		request->form = KEY_ECDSA;
		request->hash = hash_of_length(request->length, 0);
	} else if (strcmp(algorithm, "RSA_PKCS1_PADDING") == 0 && parameters[0] == '\0') {
		request->form = KEY_RSA_PKCS1;
		strip_info(request);
	} else if (strcmp(algorithm, "RSA_PKCS1_PSS_PADDING") == 0) {
		request->form = KEY_RSA_PSS;
		request->hash = pss_hash(parameters);
	} else if ((strcmp(algorithm, "ED25519") == 0 || strcmp(algorithm, "ED448") == 0) &&
		   strcmp(parameters, "data=message") == 0) {
		request->form = KEY_EDDSA;
	}
}

int key_request_parse(const char *base64, const char *algorithm, const char *parameters,
		      struct key_request *request, struct err *e)
{
	memset(request, 0, sizeof *request);
	if (decode(base64, request) == 0)
		choose_form(algorithm, parameters, request);
	if (key_request_fits(request))
		return 0;
	return err_set(
	    e,
	    "openvpn wants the private key for what is no signature of TLS 1.2 or 1.3 with SHA-2, or "
	    "(Ed25519) of TLS 1.3: %.32s %.64s",
	    secret_masked(algorithm), secret_masked(parameters));
}
