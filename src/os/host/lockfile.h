/* The lockfile: a record lock on a file of root's shows which process holds something, and ends with it. */
#ifndef OS_HOST_LOCKFILE_H
#define OS_HOST_LOCKFILE_H

#include <stdint.h>

#include "base/err.h"

/* Opens `path`, making it and its folder. Closing ANY descriptor of the file
 * unlocks it, so a process opens it once and keeps it. A child does not have
 * its parent's lock. The descriptor, or -1 and `e`. */
int lockfile_open(const char *path, struct err *e);

/* Locks it, without waiting. 0: it is ours; 1: process *pid has it; -1 with errno. */
int lockfile_lock(int descriptor, int32_t *pid);

/* *pid: who has it; 0 nobody, or we ourselves. 0, or -1 with errno. */
int lockfile_owner(int descriptor, int32_t *pid);

/* The same by the file's name; nothing is made. Not for a process that may have locked it: see above. */
int lockfile_owner_at(const char *path, int32_t *pid);

#endif
