/* Apple's property lists, XML or binary: what stands in their first level. Pure. */
#ifndef CTL_TUNNELBLICK_PLIST_H
#define CTL_TUNNELBLICK_PLIST_H

#include <stddef.h>

#include "base/err.h"

enum { PLIST_SIZE_MAX = 1024 * 1024, PLIST_TEXT_SIZE = 1024 };

/* A key of the first level and its value: a string's text, a number's digits,
 * "1" or "0" for true and false. Values of other kinds, and what is longer than
 * PLIST_TEXT_SIZE, are left out. */
typedef void plist_value_fn(const char *key, const char *value, void *argument);

/* Calls `value_cb` for each. 0, or -1 and `e`: not a property list, or not a dictionary; it may have been
 * called for some values by then. Any bytes are fine as input. */
int plist_read(const char *bytes, size_t length, plist_value_fn *value_cb, void *argument, struct err *e);

/* The two forms by themselves. */
int plist_read_xml(const char *bytes, size_t length, plist_value_fn *value_cb, void *argument, struct err *e);
int plist_read_binary(const char *bytes, size_t length, plist_value_fn *value_cb, void *argument,
		      struct err *e);

/* Appends a character as UTF-8 to `text` of PLIST_TEXT_SIZE bytes. 0, or -1 if
 * it does not fit or is not a character. */
int plist_add_character(char *text, size_t *used, unsigned long character);

#endif
