/* The end of the log file, found and read without a position of its own. */
#ifndef DRIVER_LOG_TAIL_H
#define DRIVER_LOG_TAIL_H

#include <stddef.h>
#include <sys/types.h>

enum { LOG_TAIL_LINES = 10000, LOG_TAIL_REACH = 8 * 1024 * 1024 };

/* Where the last `lines` lines begin, at most LOG_TAIL_REACH bytes before the end; -1:
 * the log is not a file. */
off_t log_tail_find(int descriptor, unsigned lines);

/* Reads complete lines at *at into `to` and moves *at behind them. Returns the number
 * of bytes; 0 at the end, or while the last line is incomplete; -1 on failure. */
ssize_t log_tail_read(int descriptor, off_t *at, char *to, size_t size);

#endif
