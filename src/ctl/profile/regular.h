/* A regular file of bounded size, read whole. */
#ifndef CTL_PROFILE_REGULAR_H
#define CTL_PROFILE_REGULAR_H

#include <stddef.h>

#include "base/err.h"

/* What `descriptor` is open on, at most `max` bytes; the caller frees *bytes
 * and closes. `name` is for the message. 0, or -1 and `e` (then *bytes is NULL). */
int regular_read(int descriptor, const char *name, size_t max, char **bytes, size_t *length, struct err *e);

#endif
