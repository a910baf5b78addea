/* Runs one of the system's own tools and waits for it. */
#ifndef OS_TOOL_H
#define OS_TOOL_H

#include <stddef.h>

#include "base/err.h"

enum { TOOL_PATH_SIZE = 64 };

/* The first of the system's directories that has the executable `name`, in a
 * list that is compiled in; PATH is never asked. Fills `path` (TOOL_PATH_SIZE
 * bytes) and returns 0, or -1. */
int tool_find(const char *name, char *path);

/* Executes argv[0], an absolute path, without a shell, with PATH and LC_ALL
 * only, `input` (NULL: none) on its standard input, no descriptor of ours.
 * Blocks until it ends, `milliseconds` at most; then it and all that it started
 * is killed. 0 if it exited with 0; else -1 and `e`, with the beginning of what
 * it said. */
int tool_run(const char *const *argv, const char *input, int milliseconds, struct err *e);

#endif
