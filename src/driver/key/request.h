/* What the process that holds the private key is asked, and its answers: fixed sizes, host byte order. Pure.
 */
#ifndef DRIVER_KEY_REQUEST_H
#define DRIVER_KEY_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

enum { KEY_DATA_MAX = 192, KEY_SIGNATURE_MAX = 1024, KEY_TEXT = 240 };

/* The ways in which a TLS client signs, and no others: nothing here decrypts, or signs what is not a hash or
 * a handshake of TLS 1.3. */
enum key_form { KEY_ECDSA = 1, KEY_RSA_PKCS1, KEY_RSA_PSS, KEY_EDDSA };
enum key_hash { KEY_NO_HASH, KEY_SHA256, KEY_SHA384, KEY_SHA512 };

struct key_request {
	uint32_t form, hash; /* KEY_EDDSA has no hash: its data are the message */
	uint32_t length;
	unsigned char data[KEY_DATA_MAX]; /* the hash */
};

/* The first one comes unasked, without a signature: whether there is a key that is the certificate's. */
struct key_answer {
	uint32_t length; /* of the signature; 0: none */
	uint32_t bare;   /* 1: the memory with the key could not be locked, it may be swapped */
	unsigned char signature[KEY_SIGNATURE_MAX];
	char text[KEY_TEXT]; /* why not; "": nothing is wrong */
};

/* >PK_SIGN of openvpn (management version 3): what is to be signed in base64, the algorithm, its parameters.
 * Any text is fine. 0, or -1 and `e`. */
int key_request_parse(const char *base64, const char *algorithm, const char *parameters,
		      struct key_request *request, struct err *e);

/* Is it in one of the forms, with a length that fits? Any bytes are fine. */
bool key_request_fits(const struct key_request *request);

#endif
