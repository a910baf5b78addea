/* The keychain port: the credentials of root's configuration from the system's own store. */
#ifndef OS_HOST_KEYCHAIN_H
#define OS_HOST_KEYCHAIN_H

#include "base/err.h"

/* The secret of the item `service`, `account` in the System keychain, as a
 * sealed descriptor in the form of a password file (driver/login/credentials.h). Runs
 * a tool: waits for it, 5 s at most. -1 and `e`, without a byte of the secret. */
int keychain_open(const char *service, const char *account, struct err *e);

#endif
