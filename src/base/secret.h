/* A secret: one type that wipes itself, is never logged and never grows. */
#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include <stdbool.h>
#include <stddef.h>

enum { SECRET_SIZE = 256 }; /* openvpn takes 255 bytes over the management connection */

struct secret {
	size_t length;
	char bytes[SECRET_SIZE]; /* terminated */
};

/* Copies `length` bytes in. 0, or -1 if it is too long or has control bytes
 * (openvpn would drop those silently); the secret is then empty. */
int secret_set(struct secret *secret, const char *from, size_t length);

/* Overwrites it so that no optimizer can leave it out. NULL is fine. */
void secret_wipe(struct secret *secret);

/* The same for any bytes. */
void secret_wipe_bytes(void *bytes, size_t length);

/* Pure: may this line of openvpn's be logged? False if it may hold a secret: a
 * question or an answer, what a server pushed, keys and what they are made of. */
bool secret_may_log(const char *line);

/* `line` if it may be logged, else a note in its place. */
const char *secret_masked(const char *line);

#endif
