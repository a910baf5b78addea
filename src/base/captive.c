/* The names that Apple's systems look up to learn whether a network is free or captive. */
#include "base/captive.h"

const char *const captive_names[CAPTIVE_NAMES] = {"captive.apple.com", "netcts.cdn-apple.com"};
