/* portcullis.conf as text: one key is set, every other byte stays. Pure. */
#ifndef CTL_CONF_EDIT_H
#define CTL_CONF_EDIT_H

#include "base/err.h"

/* `text` with `key` (of the first level, in no section) set to the string
 * `value`: where it was, or in a line of its own at the end. The caller frees it.
 * NULL and `e`: the text is incomplete (a quote, a brace or a comment stays open),
 * or `value` can't be written in quotes without escapes. */
char *conf_edit(const char *text, const char *key, const char *value, struct err *e);

#endif
