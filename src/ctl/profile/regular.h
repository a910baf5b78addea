/* A regular file of bounded size, read whole. */
#ifndef CTL_PROFILE_REGULAR_H
#define CTL_PROFILE_REGULAR_H

#include <stddef.h>

#include "base/err.h"

/* Reads the file at `descriptor`, at most `max` bytes; the caller frees *bytes and
 * closes the descriptor. `name` is for messages. 0, or -1 and `e` (*bytes is NULL). */
int regular_read(int descriptor, const char *name, size_t max, char **bytes, size_t *length, struct err *e);

#endif
