/* Names of ciphers, digests and TLS cipher suites: one that is not known to encrypt, or
 * to authenticate, is refused. Pure. */
#ifndef PROFILE_ALGORITHMS_H
#define PROFILE_ALGORITHMS_H

#include <stdbool.h>

/* Appended to every list of TLS cipher suites: removes for good those that do not
 * encrypt, or do not authenticate the server. */
#define ALGORITHMS_TLS_TAIL ":!eNULL:!aNULL"

bool algorithms_are_ciphers(const char *list); /* data-ciphers: "A:?B:C" */
bool algorithms_is_digest(const char *name);   /* auth */
bool algorithms_are_tls(const char *list);     /* tls-cipher: names and keywords of OpenSSL */
bool algorithms_are_suites(const char *list);  /* tls-ciphersuites: TLS 1.3 */

#endif
