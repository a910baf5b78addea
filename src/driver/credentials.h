/* The credentials that openvpn asks for, read from the password file. */
#ifndef DRIVER_CREDENTIALS_H
#define DRIVER_CREDENTIALS_H

#include "base/err.h"
#include "base/secret.h"

struct credentials {
	struct secret user, password, passphrase; /* length 0: none */
};

/* Reads the file anew (pread from 0). It holds one answer a line, in this order, and only those that the
 * profile needs (`needs`: enum profile_credentials) and the configuration does not give: user name (unless
 * `username` is set), password, passphrase of the key. 0, or -1 and `e`, which contains none of their bytes.
 * Wipe them after use. */
int credentials_read(int descriptor, int needs, const char *username, struct credentials *credentials,
		     struct err *e);

void credentials_wipe(struct credentials *credentials);

#endif
