/* The credentials that openvpn asks for, read from root's files. */
#ifndef DRIVER_LOGIN_CREDENTIALS_H
#define DRIVER_LOGIN_CREDENTIALS_H

#include "base/err.h"
#include "base/secret.h"
#include "driver/login/totp.h"

struct credentials {
	struct secret user, password, passphrase; /* length 0: none */
};

/* Open to read; an empty one counts as none. */
struct credentials_files {
	int password, totp, passphrase;
	int used; /* for credentials_save_used, also to write */
};

/* Reads the password file anew (pread from 0). It holds one answer a line, in this order, and only those that
 * the profile needs (`needs`: enum profile_credentials) and the configuration does not give: user name
 * (unless `username` is set), password, passphrase of the key. A mark of UTF-8 at its beginning is no part of
 * it. 0, or -1 and `e`, which contains none of their bytes. Wipe them after use. */
int credentials_read(int descriptor, int needs, const char *username, struct credentials *credentials,
		     struct err *e);

/* The passphrase of the key from a file of its own. 1; 0: there is none; -1 and `e`. Wipe it after use. */
int credentials_passphrase(int descriptor, struct credentials *credentials, struct err *e);

void credentials_wipe(struct credentials *credentials);

/* Reads the secret of one-time passwords anew. 1; 0: there is none; -1 and `e`. Wipe its key after use. */
int credentials_totp(int descriptor, struct totp *totp, struct err *e);

/* Until when one-time passwords have been used, in seconds since the epoch: kept over restarts, 0 at first. A
 * disk that takes nothing is no error. */
uint64_t credentials_load_used(int descriptor);
void credentials_save_used(int descriptor, uint64_t until);

#endif
