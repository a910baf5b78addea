/* The file watch port: reports that files may have been changed. */
#ifndef OS_HOST_FILE_WATCH_H
#define OS_HOST_FILE_WATCH_H

#include <stddef.h>

#include "base/err.h"

struct file_watch;
struct event_base;

enum { FILE_WATCH_FILES = 6 };

/* Bit N: the file of that number. */
typedef void file_watch_cb(unsigned which, void *argument);

/* Calls `changed` from the loop when watched files were written, replaced, renamed, created or removed, or
 * have another mode or owner; perhaps also when one was not. NULL and `e` on failure. */
struct file_watch *file_watch_open(struct event_base *base, file_watch_cb *changed, void *argument,
				   struct err *e);

/* From now on these (absolute paths, FILE_WATCH_FILES at most, "" is none) and no others. A file need not
 * exist, and neither need its folder. To be called again after each report, before the files are looked at:
 * folders may be others by then. 0, or -1 and `e`: one of them can't be watched. */
int file_watch_set(struct file_watch *watch, const char *const *paths, size_t count, struct err *e);

void file_watch_close(struct file_watch *watch); /* NULL is fine */

#endif
