/* One-time passwords by time (RFC 6238): the secret from text, the code of a time. Pure. */
#ifndef DRIVER_LOGIN_TOTP_H
#define DRIVER_LOGIN_TOTP_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/secret.h"

enum totp_hash { TOTP_SHA1, TOTP_SHA256, TOTP_SHA512 };

struct totp {
	enum totp_hash hash;
	unsigned digits, period; /* 6 to 8; seconds, 5 to 600 */
	struct secret key;       /* bytes of any value */
};

/* From a provider's text: an otpauth://totp/ link, or the bare secret in base32 (then SHA-1, 6 digits, 30 s);
 * blanks around it are fine. 0, or -1 and `e`, which contains nothing of the secret; `totp` is then wiped. */
int totp_parse(const char *text, size_t length, struct totp *totp, struct err *e);

/* Which period `seconds` (since the epoch) lies in. */
uint64_t totp_step(const struct totp *totp, uint64_t seconds);

/* The code of a period. 0, or -1 and `e`: OpenSSL lacks the hash. */
int totp_code(const struct totp *totp, uint64_t step, struct secret *code, struct err *e);

/* Once, before the sandbox: OpenSSL prepares itself, and reads no configuration. */
void totp_warm_up(void);

#endif
