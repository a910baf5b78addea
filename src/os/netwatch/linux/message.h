/* How a netlink message begins. Pure. */
#ifndef OS_NETWATCH_LINUX_MESSAGE_H
#define OS_NETWATCH_LINUX_MESSAGE_H

#include <stddef.h>
#include <stdint.h>

struct nlmsghdr;

/* A request to be filled: RTM_*, NLM_F_* beside NLM_F_REQUEST, and its fixed part of so many bytes, all zero.
 * `buffer` has room for them and is aligned for a uint32_t. */
struct nlmsghdr *message_begin(char *buffer, uint16_t type, uint16_t flags, size_t fixed);

#endif
