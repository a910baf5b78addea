/* The private key itself, by OpenSSL; only the process that holds it calls these. */
#ifndef DRIVER_KEY_SIGN_H
#define DRIVER_KEY_SIGN_H

#include <openssl/evp.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "driver/key/request.h"

/* Reads the key (PEM, from 0) and the passphrase that it may need (one line); the canonical profile, whose
 * certificate must be the key's. The caller frees with EVP_PKEY_free. NULL and `e`, which has none of their
 * bytes. */
EVP_PKEY *key_load(int key, int passphrase, int profile, struct err *e);

/* The certificate of the canonical profile, freed by X509_free. NULL: there is none that can be read. */
X509 *key_certificate(int profile);

/* `key`, if it is of a kind that key_sign knows, and that of the certificate (NULL: none). Else NULL and `e`,
 * and it is freed; the certificate always is, and what OpenSSL remembers of errors. NULL stays NULL, and `e`
 * as it is. */
EVP_PKEY *key_checked(EVP_PKEY *key, X509 *certificate, struct err *e);

/* Can it sign in this form (enum key_form)? Also one that another provider holds. */
bool key_is(const EVP_PKEY *key, uint32_t form);

/* Signs into `answer`, whose text says why not. */
void key_sign(EVP_PKEY *key, const struct key_request *request, struct key_answer *answer);

#endif
