/* One error: what went wrong, in one line that a user can act on. */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stddef.h>

struct err {
	char text[512]; /* "" while nothing failed; never contains a line end */
};

/* Sets the text (printf format, cut at the size). Always returns -1, so that
 * a caller can write `return err_set(e, ...)`. `e` may be NULL. */
int err_set(struct err *e, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* As err_set, with ": " and the text of errno as it was on entry: at the end,
 * or before the advice if the text has one. */
int err_errno(struct err *e, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* How many bytes of a text are its cause. ERR_INSTEAD and the advice follow, or nothing. */
#define ERR_INSTEAD "; instead: "
size_t err_cause(const char *text);

/* Puts "prefix: " before the text that is there. Always returns -1. */
int err_prefix(struct err *e, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
