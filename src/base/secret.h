/* A secret: one type that wipes itself, is never logged and never grows. */
#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include <stdbool.h>
#include <stddef.h>

enum { SECRET_SIZE = 256 }; /* openvpn takes 255 bytes over management (management-notes, parameter limit) */

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

/* Pure: may this line of openvpn's be told, or may it hold a secret: what was
 * asked or answered, what a server pushed, keys and what they are made of? */
bool secret_free(const char *line);

/* The same as text: `line`, or a note in its place. */
const char *secret_told(const char *line);

#endif
