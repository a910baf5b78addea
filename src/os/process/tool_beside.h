/* Runs one of the system's own tools beside the loop, and hears it out. */
#ifndef OS_PROCESS_TOOL_BESIDE_H
#define OS_PROCESS_TOOL_BESIDE_H

#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct tool_beside;

/* All that the tool said to its standard output; NULL: it took too long, said more
 * than fits, or a byte 0. How it ended is not told: the text must say if it is whole. */
typedef void tool_said_cb(const char *output, void *argument);

/* For outputs of less than `size` bytes. NULL with errno if there is no memory. */
struct tool_beside *tool_beside_new(struct event_base *base, size_t size, tool_said_cb *cb, void *argument);

/* Begins; `cb` is called from the loop, once, `milliseconds` later at most. The
 * process is left to the loop's owner to reap. 0, or -1 and `e`: also while one runs. */
int tool_beside_begin(struct tool_beside *tool, const char *const *argv, int milliseconds, struct err *e);

bool tool_beside_runs(const struct tool_beside *tool);

/* Ends what runs, without a call of `cb`. NULL is fine. */
void tool_beside_free(struct tool_beside *tool);

#endif
