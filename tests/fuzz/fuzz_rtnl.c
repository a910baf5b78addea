/* Any bytes as a datagram of rtnetlink's. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "os/netwatch_rtnl_decode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int check(const struct rtnl_message *message, void *argument)
{
	size_t *messages = argument;

	++*messages;
	if (message->kind == RTNL_LINK && (memchr(message->link.name, '\0', NET_NAME_SIZE) == NULL ||
					   message->link.name[0] == '\0' || message->link.index == 0))
		abort();
	if (message->kind == RTNL_ADDRESS && message->address.address.family == NET_NONE)
		abort();
	if (message->kind == RTNL_ROUTE && message->route.destination.length > 128)
		abort();
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t messages = 0;
	void *copy = malloc(size == 0 ? 1 : size); /* aligned, and its end is watched */

	if (copy == NULL)
		return 0;
	memcpy(copy, data, size);
	(void)rtnl_decode(copy, size, check, &messages);
	free(copy);
	return 0;
}
