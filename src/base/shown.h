/* What others wrote, as a terminal and a shell may see it. */
#ifndef BASE_SHOWN_H
#define BASE_SHOWN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Is it UTF-8 with nothing in it that steers a terminal or turns the direction
 * of writing? */
bool shown_is_plain(const char *text);

/* `text` if it is plain, else with every other byte as \xNN; cut to what fits.
 * Returns `to`. */
const char *shown(char *to, size_t size, const char *text);

/* One line to a stream, printf's way: everything in it as shown() has it. */
void shown_say(FILE *to, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* `text` as one word for bash and zsh: as it is, in '...', or as $'...' if it
 * is not plain. Returns `to`, or NULL if it does not fit. */
const char *shown_word(char *to, size_t size, const char *text);

#endif
