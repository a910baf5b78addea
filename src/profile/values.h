/* The arguments of options, checked by kind. */
#ifndef PROFILE_VALUES_H
#define PROFILE_VALUES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/* Do `count` arguments fit the pattern? 0, or -1 and the reason in `e`.
 * A pattern is a list of kinds, optional ones after '?': {word|word}, or one
 * letter of the table in values.c. */
int values_check(const char *pattern, char *const *arguments, size_t count, struct err *e);

/* A server's name or literal address, 1..220 bytes (so that its line fits): letters, digits and . - _,
 * or an IPv6 address; never something that looks like a broken address. */
bool value_is_host(const char *argument);

/* A domain name that a resolver accepts. */
bool value_is_domain(const char *argument);

#endif
