/* A function run in a child with the rights of one user, and no others. */
#ifndef CTL_PROFILE_OWNER_H
#define CTL_PROFILE_OWNER_H

#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"

/* In the child: what it writes to `output` is handed to the parent, what it
 * prints is printed. 0, or -1 and `e`, which the child prints. */
typedef int owner_work_fn(int output, void *argument, struct err *e);

/* Runs `work` as user `owner`, without any group but the user's own; a caller
 * that is not root can only be that user. After `seconds` the child is ended.
 * Returns what it wrote, at most `max` bytes (the caller frees; never longer
 * than it says). NULL: the child has said why, or `e` does. Blocks until then. */
char *owner_run(uid_t owner, unsigned seconds, owner_work_fn *work, void *argument, size_t max,
		size_t *length, struct err *e);

#endif
