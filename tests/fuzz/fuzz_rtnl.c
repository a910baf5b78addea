/* Any bytes as a datagram from rtnetlink. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <linux/netlink.h>

#include "os/netwatch/linux/decode.h"
#include "os/route/kernel_linux.h"

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

/* As the first of a datagram: whole as far as its length goes. */
static void read_route(const void *bytes, size_t size)
{
	const struct nlmsghdr *message = bytes;
	struct route_rule rule;
	struct route_entry entry;
	struct route_answer answer;
	static struct route_raw raw;

	if (size < sizeof *message || message->nlmsg_len < sizeof *message || message->nlmsg_len > size)
		return;
	if (route_decode_rule(message, &rule) == ROUTE_IS_OURS && rule.from.length > 128)
		abort();
	if (route_decode_entry(message, &entry) == ROUTE_IS_OURS && entry.to.length > 128)
		abort();
	if (route_decode_answer(message, &answer) && answer.source.family != NET_NONE &&
	    answer.source.family != NET_IPV4 && answer.source.family != NET_IPV6)
		abort();
	if (route_decode_entry(message, &entry) != ROUTE_IS_NOT_OURS && route_keep(message, &raw) &&
	    route_delete(&raw)->nlmsg_len > sizeof raw.bytes)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t messages = 0;
	void *copy = malloc(size == 0 ? 1 : size); /* aligned, and its end is watched */

	if (copy == NULL)
		return 0;
	memcpy(copy, data, size);
	(void)rtnl_decode(copy, size, check, &messages);
	read_route(copy, size);
	free(copy);
	return 0;
}
