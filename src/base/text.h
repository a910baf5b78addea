/* Strings of bounded size: copying, numbers, escaping, times. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

enum { TEXT_TIME_SIZE = sizeof "2026-11-23T11:22:33Z" + 12 };

/* Copies `from` into `to` of `size` bytes, always terminated.
 * Returns 0, or -1 if it did not fit (the copy is cut). */
int text_copy(char *to, size_t size, const char *from);

/* Appends printf output at *used, never past size, always terminated.
 * Returns 0, or -1 once anything was cut (then *used == size - 1). */
int text_append(char *to, size_t size, size_t *used, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* A whole decimal number, no sign, no blanks, min..max. 0, or -1. */
int text_number(const char *from, uint64_t min, uint64_t max, uint64_t *number);

/* "90", "90s", "15m", "2h", "1d" to seconds, 1 s to 31 days. 0, or -1. */
int text_duration(const char *from, uint32_t *seconds);

/* Writes `from` with every byte outside 0x20..0x7e, and '\', as \xNN, cut to
 * what fits whole. Returns the bytes written, without the terminator. */
size_t text_escape(char *to, size_t size, const char *from, size_t length);

/* RFC 3339 in UTC, seconds. `to` has TEXT_TIME_SIZE bytes. */
void text_time(char *to, time_t when);

/* The candidate nearest to `word` by edit distance, or NULL if none is within
 * a third of its length. For hints ("did you mean ..."). */
const char *text_nearest(const char *word, const char *const *candidates, size_t count);

/* Letters, digits, '.', '_' and '-', not beginning with '-', 1..max bytes. */
bool text_is_name(const char *from, size_t max);

#endif
