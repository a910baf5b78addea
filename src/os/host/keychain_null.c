/* The keychain port of a platform that has none. */
#include "os/host/keychain.h"

int keychain_open(const char *service, const char *account, struct err *e)
{
	(void)service, (void)account;
	return err_set(e,
		       "there is no keychain on this platform; instead: set credentials { password-file }");
}
