/* Runs a function in a child that has the rights of one user and no others. */
#ifndef CTL_PROFILE_OWNER_H
#define CTL_PROFILE_OWNER_H

#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"

/* In the child. What it writes to `output` goes to the parent; what it prints goes to
 * the terminal. 0, or -1 and `e`, which the child prints. */
typedef int owner_work_fn(int output, void *argument, struct err *e);

/* Runs `work` as user `owner`, with no group but the user's primary one; a caller
 * that is not root must be that user. After `seconds` the child is killed.
 * Returns what it wrote, at most `max` bytes, which the caller frees. NULL: the
 * child has printed the reason, or it is in `e`. Blocks until the child has ended. */
char *owner_run(uid_t owner, unsigned seconds, owner_work_fn *work, void *argument, size_t max,
		size_t *length, struct err *e);

#endif
