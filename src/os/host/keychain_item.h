/* An item of the keychain as security(1) prints it. Pure. */
#ifndef OS_HOST_KEYCHAIN_ITEM_H
#define OS_HOST_KEYCHAIN_ITEM_H

#include <stdbool.h>
#include <stddef.h>

#include "base/secret.h"

/* The most that a password file holds. */
enum { KEYCHAIN_SECRET = 3 * SECRET_SIZE };

/* Takes the secret out of what `security find-generic-password -g` said, and
 * wipes nothing of that. `secret` has KEYCHAIN_SECRET bytes. Its length; 0: there
 * is none, it is cut, too long or not understood, and `secret` is wiped. */
size_t keychain_item_read(const char *output, char *secret);

/* May the output contain a byte of a secret, so that it must not be logged? */
bool keychain_item_has(const char *output);

#endif
