/* The log: one line an event, RFC 3339 time, level, room, text. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG, LOG_LEVELS };

/* Where lines go from now on. `descriptor` stays the caller's; -1 is silence.
 * A line is one write(2), so that two programs can share one O_APPEND file;
 * a write that fails (disk full) loses the line and nothing else. */
void log_open(int descriptor, enum log_level level);

/* Every line goes there as well (-d: stderr); -1 ends it. */
void log_copy(int descriptor);

/* No line makes the file longer than `size` bytes (0: no limit). When it is nearly full, `full` is called
 * first to begin it anew; NULL: this process can't. A line that would not fit is lost. Only a regular file is
 * limited. */
void log_bound(uint64_t size, void (*full)(int descriptor));

extern const char *const log_level_words[LOG_LEVELS]; /* "error", ... */

/* Would log_line write a line of this level? */
bool log_wants(enum log_level level);

/* Writes a line if `level` is wanted. Bytes outside printable ASCII come out
 * as \xNN, so hostile text can't forge a line. errno is kept. Never blocks
 * beyond the write. Never pass a secret. */
void log_line(enum log_level level, const char *room, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#define log_error(room, ...) log_line(LOG_ERROR, room, __VA_ARGS__)
#define log_warn(room, ...) log_line(LOG_WARN, room, __VA_ARGS__)
#define log_info(room, ...) log_line(LOG_INFO, room, __VA_ARGS__)
#define log_debug(room, ...) log_line(LOG_DEBUG, room, __VA_ARGS__)

#endif
