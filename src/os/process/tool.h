/* Runs one of the system's own tools and waits for it. */
#ifndef OS_PROCESS_TOOL_H
#define OS_PROCESS_TOOL_H

#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"

enum { TOOL_PATH_SIZE = 64 };

/* The first of the system's directories that has the executable `name`, in a
 * list that is compiled in; PATH is never asked. Fills `path` (TOOL_PATH_SIZE
 * bytes) and returns 0, or -1. */
int tool_find(const char *name, char *path);

/* Executes argv[0], an absolute path, without a shell, with PATH and LC_ALL
 * only, `input` (NULL: none) on its standard input, no descriptor of ours.
 * Blocks until it ends, `milliseconds` at most; then it and all that it started
 * is killed. 0 if it exited with 0 and read all of `input`; else -1 and `e`,
 * with the beginning of its output. */
int tool_run(const char *const *argv, const char *input, int milliseconds, struct err *e);

/* The same, and all of its standard output as text in `output`
 * (`size` bytes with the terminator). What does not fit, or holds a byte 0, is
 * a failure, so 0 means: this is the whole answer. After -1 `output` is a
 * terminated text that nobody may believe. */
int tool_output(const char *const *argv, const char *input, int milliseconds, char *output, size_t size,
		struct err *e);

/* The same with its standard error in between, as it came: for a tool that
 * answers there (pfctl -E). */
int tool_output_all(const char *const *argv, const char *input, int milliseconds, char *output, size_t size,
		    struct err *e);

/* Only starts it, in a session of its own, with these three descriptors (3 or more, or its own 0, 1, 2): for
 * callers that wait in another way. The process, or -1 with errno. */
pid_t tool_start(const char *const *argv, int input, int output, int errors);

#endif
