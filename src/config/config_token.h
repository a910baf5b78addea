/* The name of a private key on a token (PKCS #11), as credentials.key may have it. Pure. */
#ifndef CONFIG_CONFIG_TOKEN_H
#define CONFIG_CONFIG_TOKEN_H

#include <stdbool.h>

#include "base/err.h"

/* Is this value of credentials.key no path, but the name of a key on a token? */
bool config_is_token(const char *key);

/* Is it a name that can be used? It says which token, as the PIN is for no other one, and no PIN. 0, or -1
 * and `e` = "what; instead: ...". */
int config_check_token(const char *key, struct err *e);

#endif
