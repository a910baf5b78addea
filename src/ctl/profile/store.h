/* Root's profiles, as portcullis import writes them. */
#ifndef CTL_PROFILE_STORE_H
#define CTL_PROFILE_STORE_H

#include <stddef.h>

#include "base/err.h"

enum { PROFILE_NAME_MAX = 64, PROFILE_FILE_SIZE = 96, PROFILE_STORED_MAX = 16 * 1024 * 1024 };

/* "NAME.ovpn" to `to` of PROFILE_FILE_SIZE bytes. 0, or -1 and `e`. */
int profile_store_name(const char *name, char *to, struct err *e);

/* Vets the profile that a child has printed once more, writes it to `directory` as
 * `file`, completely or not at all, and prints what was written and what the profile
 * needs. `label` is for messages. 0, or -1 and `e`. */
int profile_store(const char *label, const char *bytes, size_t length, const char *directory,
		  const char *file, struct err *e);

#endif
