/* The private key on a token (PKCS #11), by OpenSSL's provider; only the process for the key calls these. */
#ifndef DRIVER_KEY_TOKEN_H
#define DRIVER_KEY_TOKEN_H

#include <limits.h>
#include <openssl/evp.h>
#include <stdbool.h>

#include "base/err.h"

enum { TOKEN_URI_SIZE = PATH_MAX };

/* Is what `descriptor` holds no key, but the name of one on a token (RFC 7512)? */
bool token_uri(int descriptor, char *uri, size_t size);

struct token_files {
	int pin;     /* one line, or empty */
	int given;   /* driver/key/pin.h */
	int profile; /* canonical; the key must be that of its certificate */
};

/* Logs in, if the token wants that, at most once. What OpenSSL may ask later is not answered. May block as
 * long as the token does. The caller frees with EVP_PKEY_free. NULL and `e`; then `absent`: no such thing is
 * plugged in, and it is worth another try. */
EVP_PKEY *token_load(const char *uri, const struct token_files *files, bool *absent, struct err *e);

#endif
