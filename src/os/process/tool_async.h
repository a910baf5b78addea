/* An async tool: one of the system's own tools, whose output arrives as an event of the loop. */
#ifndef OS_PROCESS_TOOL_ASYNC_H
#define OS_PROCESS_TOOL_ASYNC_H

#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct tool_async;

/* All that the tool wrote to its standard output; NULL: it took too long, or wrote more than fits, or a byte
 * 0. Its exit status is not reported: the text must show whether it is whole. */
typedef void tool_output_cb(const char *output, void *argument);

/* For outputs of less than `size` bytes. NULL with errno if there is no memory. */
struct tool_async *tool_async_new(struct event_base *base, size_t size, tool_output_cb *cb, void *argument);

/* Begins; `cb` is called from the loop, once, `milliseconds` later at most. The
 * process is left to the loop's owner to reap. 0, or -1 and `e`: also while one runs. */
int tool_async_begin(struct tool_async *tool, const char *const *argv, int milliseconds, struct err *e);

bool tool_async_runs(const struct tool_async *tool);

/* Ends what runs, without a call of `cb`. NULL is fine. */
void tool_async_free(struct tool_async *tool);

#endif
