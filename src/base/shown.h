/* Foreign text, made safe for a terminal and a shell. */
#ifndef BASE_SHOWN_H
#define BASE_SHOWN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Is it UTF-8 without anything that controls a terminal or changes the direction
 * of writing? */
bool shown_is_plain(const char *text);

/* `text` if it is plain, else with every other byte as \xNN; cut to what fits.
 * Returns `to`. */
const char *shown(char *to, size_t size, const char *text);

/* Prints one line to a stream, as printf does; all of it is escaped as shown() does. */
void shown_print(FILE *to, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* `text` as one word for bash and zsh: as it is, in '...', or as $'...' if it
 * is not plain. Returns `to`, or NULL if it does not fit. */
const char *shown_word(char *to, size_t size, const char *text);

#endif
