/* Whole reads and writes of a descriptor, over short ones and signals. */
#ifndef BASE_IO_H
#define BASE_IO_H

#include <stddef.h>

/* All of `bytes`. 0, or -1 with errno. May block. */
int io_write_all(int descriptor, const char *bytes, size_t length);

/* Reads to the end, but at most `max` bytes: a caller that has to notice more asks for one byte more than it
 * accepts. The caller frees. NULL with errno. May block. */
char *io_read_all(int descriptor, size_t max, size_t *length);

#endif
