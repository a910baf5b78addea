/* Names of files as a terminal and a shell may see them. Pure. */
#ifndef CTL_SHOWN_H
#define CTL_SHOWN_H

#include <stdbool.h>
#include <stddef.h>

/* Is it UTF-8 with nothing in it that steers a terminal or turns the direction
 * of writing? */
bool shown_is_plain(const char *text);

/* `text` if it is plain, else with every other byte as \xNN; cut to what fits.
 * Returns `to`. */
const char *shown(char *to, size_t size, const char *text);

/* `text` as one word for bash and zsh: as it is, in '...', or as $'...' if it
 * is not plain. Returns `to`, or NULL if it does not fit. */
const char *shown_word(char *to, size_t size, const char *text);

#endif
