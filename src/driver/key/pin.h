/* The PIN of a token: given to it once, and what came of it kept, since a token locks itself after a few
 * wrong ones. */
#ifndef DRIVER_KEY_PIN_H
#define DRIVER_KEY_PIN_H

#include <openssl/ui.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "driver/login/credentials.h"

struct pin {
	struct credentials credentials; /* its passphrase is the PIN */
	uint64_t identity;
	int note; /* a file for this alone: driver/login/kept.h */
	bool asked, given;
	bool held;   /* this file's PIN was refused, or twice not answered: it is not given */
	bool unkept; /* the note can't be written: it is not given */
};

/* Reads the PIN, one line of `file`; an empty file: there is none. Ends with pin_forget. 0, or -1 and `e`. */
int pin_read(struct pin *pin, int file, int note, const char *uri, struct err *e);

/* Answers OpenSSL's questions from the `struct pin` that is its user data: the first one with the PIN, every
 * other one, and those without such data, not at all. It shows nothing and opens no terminal. Freed by
 * UI_destroy_method. NULL: no memory. */
UI_METHOD *pin_method(void);

/* Once the PIN was given: has the token taken it? If not, it is not given again, by this process or a later
 * one, until its file has changed. */
void pin_outcome(const struct pin *pin, bool taken);

void pin_forget(struct pin *pin);

#endif
