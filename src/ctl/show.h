/* A status object as text and as an exit code. Pure. */
#ifndef CTL_SHOW_H
#define CTL_SHOW_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

enum { SHOW_SIZE = 8192 };

/* The exit code of `portcullis status` for a status object. */
int show_exit(const json_t *status);

/* Every key of the contract, all null but `reason` (may be NULL). The caller
 * frees it with json_decref; NULL: no memory. */
json_t *show_nothing(const char *reason);

/* The status on several lines, or on one. Hostile bytes are escaped; a value of
 * the wrong type is left out. Each writes at most `size` bytes. */
void show_full(const json_t *status, bool colour, char *to, size_t size);
void show_line(const json_t *status, bool colour, char *to, size_t size);

/* A line of the log, safe for a terminal: control bytes are escaped. */
void show_log(const char *line, char *to, size_t size);

#endif
