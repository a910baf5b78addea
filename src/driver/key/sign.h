/* The private key itself, by OpenSSL; only the process that holds it calls these. */
#ifndef DRIVER_KEY_SIGN_H
#define DRIVER_KEY_SIGN_H

#include <openssl/evp.h>

#include "base/err.h"
#include "driver/key/request.h"

/* Reads the key (PEM, from 0) and the passphrase that it may need (one line); the canonical profile, whose
 * certificate must be the key's. The caller frees with EVP_PKEY_free. NULL and `e`, which has none of their
 * bytes. */
EVP_PKEY *key_load(int key, int passphrase, int profile, struct err *e);

/* Signs into `answer`, whose text says why not. */
void key_sign(EVP_PKEY *key, const struct key_request *request, struct key_answer *answer);

#endif
