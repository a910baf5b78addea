/* Who holds something, by the kernel's own word: a lock on a file of root's that ends with its process. */
#ifndef OS_HOST_HOLDER_H
#define OS_HOST_HOLDER_H

#include <stdint.h>

#include "base/err.h"

/* Opens `path`, making it and its folder. Closing ANY descriptor of the file
 * lets go, so a process opens it once and keeps it. A child does not hold what
 * its parent holds. The descriptor, or -1 and `e`. */
int holder_open(const char *path, struct err *e);

/* Takes it, without waiting. 0: it is ours; 1: process *pid has it; -1 with errno. */
int holder_take(int descriptor, int32_t *pid);

/* *pid: who has it; 0 nobody, or we ourselves. 0, or -1 with errno. */
int holder_find(int descriptor, int32_t *pid);

/* The same by the file's name; nothing is made. Not for a process that may hold it: see above. */
int holder_find_at(const char *path, int32_t *pid);

#endif
