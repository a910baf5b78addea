/* The process that holds the private key: portcullis-driver --sign. */
#ifndef DRIVER_KEY_SIGNER_H
#define DRIVER_KEY_SIGNER_H

#include <stdbool.h>

/* Its descriptors. */
enum {
	SIGNER_FD_SOCKET = 3,     /* stream socket to the driver: driver/key/request.h */
	SIGNER_FD_KEY = 4,        /* the private key in PEM; or /dev/null */
	SIGNER_FD_PASSPHRASE = 5, /* one line; or /dev/null */
	SIGNER_FD_PROFILE = 6     /* the canonical profile, for its certificate */
};

/* Reads the key, enters the sandbox, says whether it is one, and signs until the driver hangs up. `bare`: its
 * memory could not be locked. The exit code. */
int signer_main(bool bare);

#endif
