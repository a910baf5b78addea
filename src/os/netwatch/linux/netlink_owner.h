/* Whose a netlink address is: a number alone is anybody's, and so is the name of a process. */
#ifndef OS_NETWATCH_LINUX_NETLINK_OWNER_H
#define OS_NETWATCH_LINUX_NETLINK_OWNER_H

#include <stddef.h>
#include <stdint.h>

/* The process that has the socket of `protocol` at `address`, if it lives, is not stopped, is root's in this
 * network namespace, and runs the same file as we do; else 0. `guess`: a process to look at first, 0 none. */
int32_t netlink_owner(int protocol, uint32_t address, int32_t guess);

/* `pid`, if it is such a process, whatever sockets it has; else 0. */
int32_t netlink_is_same_program(int32_t pid);

/* Who made a change that the kernel announces with the address of whoever asked for it, for a text: "NAME
 * (process N)" if that process has a socket there; "perhaps NAME (process N)" if it has none any more;
 * "process N, which has ended"; or "": ourselves, the kernel, or nobody knows. `to`: NETLINK_SENDER bytes. */
enum { NETLINK_SENDER = 96 };
const char *netlink_sender(int protocol, uint32_t address, char *to);

#endif
