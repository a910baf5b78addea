/* The keychain port on macOS: security(1) queries the System keychain. */
#include "os/host/keychain.h"

#include <string.h>

#include "base/secret.h"
#include "os/host/keychain_item.h"
#include "os/process/child.h"
#include "os/process/tool.h"
#include "os/process/tool_paths.h"

#define KEYCHAIN "/Library/Keychains/System.keychain"

/* The attributes of an item come with it; a comment can be long. */
enum { QUERY_MS = 5000, OUTPUT_SIZE = 16384 };

/* Its words only if none of them can be the secret's. */
static int not_read(const char *service, const char *account, const char *output, const struct err *why,
		    struct err *e)
{
	return err_set(e,
		       "the item %s of %s can't be read from the System keychain: %s; instead: sudo security "
		       "-i, then:  add-generic-password -s %s -a %s -w PASSWORD " KEYCHAIN,
		       service, account,
		       keychain_item_has(output) ? "the tool failed, or its output is incomplete" : why->text,
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
	char output[OUTPUT_SIZE] = "", secret[KEYCHAIN_SECRET];
	struct err why = {"it has no usable secret"};
	size_t length = 0;
	int fd;

	if (tool_output_all(argv, NULL, QUERY_MS, output, sizeof output, &why) == 0)
		length = keychain_item_read(output, secret);
	fd = length == 0 ? not_read(service, account, output, &why, e)
			 : child_sealed("keychain", secret, length, e);
	secret_wipe_bytes(output, sizeof output);
	secret_wipe_bytes(secret, sizeof secret);
	return fd;
}
