/* The process that holds the private key: portcullis-driver --sign. */
#ifndef DRIVER_KEY_SIGNER_H
#define DRIVER_KEY_SIGNER_H

#include <stdbool.h>

/* Its descriptors. */
enum {
	SIGNER_FD_SOCKET = 3,     /* stream socket to the driver: driver/key/request.h */
	SIGNER_FD_KEY = 4,        /* the private key in PEM, or its name on a token; or /dev/null */
	SIGNER_FD_PASSPHRASE = 5, /* one line; or /dev/null */
	SIGNER_FD_PROFILE = 6,    /* the canonical profile, for its certificate */
	SIGNER_FD_PIN_GIVEN = 7   /* a file for a token's PIN alone: driver/key/pin.h; or /dev/null */
};

/* Reads the key, enters the sandbox, says whether it is one, and signs until the driver hangs up. With a
 * token the sandbox, a wider one, comes first; and if none is there, or it has not signed, this ends half a
 * minute later, and whoever started it starts another one. `bare`: its memory could not be locked. The exit
 * code. */
int signer_main(bool bare);

#endif
