/* Any bytes as the output of security(1) for an item. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "os/host/keychain_item.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int condition)
{
	if (!condition)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *said = malloc(size + 1), *secret = malloc(KEYCHAIN_SECRET);
	size_t length;

	require(said != NULL && secret != NULL);
	memcpy(said, data, size);
	said[size] = '\0';
	memset(secret, 'x', KEYCHAIN_SECRET);
	length = keychain_item_read(said, secret);
	require(length <= KEYCHAIN_SECRET);
	/* What gave a secret may never be logged; what gave none left none. */
	require(length == 0 || keychain_item_has(said));
	for (size_t i = 0; length == 0 && i < KEYCHAIN_SECRET; i++)
		require(secret[i] == 0);
	free(said);
	free(secret);
	return 0;
}
