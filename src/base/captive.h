/* The names that Apple's systems look up to learn whether a network is free or captive. */
#ifndef BASE_CAPTIVE_H
#define BASE_CAPTIVE_H

enum { CAPTIVE_NAMES = 2 };

extern const char *const captive_names[CAPTIVE_NAMES];

#endif
