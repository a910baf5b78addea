/* Which program logs in to a portal, and with what environment. */
#ifndef CTL_PORTAL_BROWSER_H
#define CTL_PORTAL_BROWSER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"

enum { BROWSER_WORDS = 12, BROWSER_VARIABLES = 16 };

/* Both end with NULL. The texts are static, or live in `room`. */
struct browser {
	char *arguments[BROWSER_WORDS], *environment[BROWSER_VARIABLES];
	char room[4096];
	size_t used;
};

/* The environment of a program of this user's: what finds the screen and the language, and nothing else;
 * `home` is its home. True: there is a screen. */
bool browser_environment(struct browser *browser, uid_t user, const char *home);

/* A browser that is there, with an empty profile in `home`, and the page `url`. 0, or -1 and `e`: none is. */
int browser_find(struct browser *browser, const char *home, const char *url, struct err *e);

#endif
