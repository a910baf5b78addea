/* Whose a netlink address is: a number alone is anybody's, and so is the name of a process. */
#ifndef OS_NETWATCH_LINUX_NETLINK_OWNER_H
#define OS_NETWATCH_LINUX_NETLINK_OWNER_H

#include <stdint.h>

/* The process that has the socket of `protocol` at `address`, if it lives, is not stopped, is root's in this
 * network namespace, and runs the same file as we do; else 0. `guess`: a process to look at first, 0 none. */
int32_t netlink_owner(int protocol, uint32_t address, int32_t guess);

/* `pid`, if it is such a process, whatever sockets it has; else 0. */
int32_t netlink_is_same_program(int32_t pid);

#endif
