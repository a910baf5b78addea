/* A secret: one type that wipes itself, is never logged and never grows. */
#include "base/secret.h"

#include <string.h>

void secret_wipe_bytes(void *bytes, size_t length)
{
	volatile unsigned char *at = bytes;

	for (size_t i = 0; i < length; i++)
		at[i] = 0;
}

int secret_set(struct secret *secret, const char *from, size_t length)
{
	secret_wipe_bytes(secret, sizeof *secret);
	if (length >= sizeof secret->bytes)
		return -1;
	for (size_t i = 0; i < length; i++) {
		unsigned char byte = (unsigned char)from[i];

		if (byte < 0x20 || byte == 0x7f)
			return -1;
	}
	if (length > 0)
		memcpy(secret->bytes, from, length);
	secret->length = length;
	return 0;
}

void secret_wipe(struct secret *secret)
{
	if (secret != NULL)
		secret_wipe_bytes(secret, sizeof *secret);
}
