/* How a netlink message begins. */
#include "os/netwatch/linux/message.h"

#include <libmnl/libmnl.h>

struct nlmsghdr *message_begin(char *buffer, uint16_t type, uint16_t flags, size_t fixed)
{
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);

	message->nlmsg_type = type;
	message->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	mnl_nlmsg_put_extra_header(message, fixed);
	return message;
}
