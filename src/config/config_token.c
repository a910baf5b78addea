/* The name of a private key on a token, RFC 7512. */
#include "config/config_token.h"

#include <string.h>

bool config_is_token(const char *key)
{
	return strncmp(key, "pkcs11:", sizeof "pkcs11:" - 1) == 0;
}

int config_check_token(const char *key, struct err *e)
{
	static const char *const which[] = {":token=", ";token=", ":serial=", ";serial="};
	bool named = false;

	if (strstr(key, "pin-value") != NULL || strstr(key, "pin-source") != NULL)
		return err_set(e,
			       "a PIN in it; instead: credentials.key-passphrase-file, a file with the PIN");
	for (const char *at = key; *at != '\0'; at++) {
		if (*at <= ' ' || *at > '~' || *at == '?')
			return err_set(
			    e, "a blank, '?' or a byte that is not ASCII; instead: %%20, %%3F and the like");
	}
	for (size_t i = 0; i < sizeof which / sizeof *which; i++)
		named = named || strstr(key, which[i]) != NULL;
	if (!named)
		return err_set(e, "it does not say which token; instead: \"pkcs11:token=NAME;object=NAME\"");
	return 0;
}
