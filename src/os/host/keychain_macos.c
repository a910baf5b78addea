/* The keychain port on macOS: security(1) asks the System keychain. */
#include "os/host/keychain.h"

#include <string.h>

#include "base/secret.h"
#include "os/host/keychain_item.h"
#include "os/process/child.h"
#include "os/process/tool.h"
#include "os/process/tool_paths.h"

#define KEYCHAIN "/Library/Keychains/System.keychain"

/* The attributes of an item come with it; a comment can be long. */
enum { ASK_MS = 5000, SAID_SIZE = 16384 };

/* Its words only if none of them can be the secret's. */
static int not_read(const char *service, const char *account, const char *said, const struct err *why,
		    struct err *e)
{
	return err_set(e,
		       "the item %s of %s can't be read from the System keychain: %s; instead: sudo security "
		       "-i, then:  add-generic-password -s %s -a %s -w PASSWORD " KEYCHAIN,
		       service, account,
		       keychain_item_tells(said) ? "the tool failed, or its output is incomplete" : why->text,
		       service, account);
}

int keychain_open(const char *service, const char *account, struct err *e)
{
	const char *const argv[] = {tool_path(TOOL_SECURITY),
				    "find-generic-password",
				    "-s",
				    service,
				    "-a",
				    account,
				    "-g",
				    KEYCHAIN,
				    NULL};
	char said[SAID_SIZE] = "", secret[KEYCHAIN_SECRET];
	struct err why = {"it has no usable secret"};
	size_t length = 0;
	int fd;

	if (tool_ask_all(argv, NULL, ASK_MS, said, sizeof said, &why) == 0)
		length = keychain_item_read(said, secret);
	fd = length == 0 ? not_read(service, account, said, &why, e)
			 : child_sealed("keychain", secret, length, e);
	secret_wipe_bytes(said, sizeof said);
	secret_wipe_bytes(secret, sizeof secret);
	return fd;
}
