/* Netlink with the kernel, and with nobody else: each request is answered before the next is sent, and what
 * another process writes to the socket, or to a group that it is in, is discarded. */
#ifndef OS_NETWATCH_LINUX_NETLINK_H
#define OS_NETWATCH_LINUX_NETLINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct netlink;
struct nlmsghdr;

/* A message that has come, whole as far as its length goes. */
typedef void netlink_message_fn(const struct nlmsghdr *message, void *argument);

/* Opens a socket of `protocol` at the address `wanted`, or at any if that is taken or 0. Its queues get
 * `queue` bytes, if we may set that (0: they stay as they are). NULL and errno on failure. */
struct netlink *netlink_open(int protocol, uint32_t wanted, int queue);
void netlink_close(struct netlink *n); /* NULL is fine */

int netlink_fd(const struct netlink *n);
uint32_t netlink_address(const struct netlink *n);

/* What is sent to a multicast group is received from now on. 0, or -1 and errno. */
int netlink_join(struct netlink *n, int group);

/* Sends one request and reads its answer to the end; `each` (may be NULL) gets the messages that
 * carry something. 0 or a negative errno; -EINTR: the kernel's state changed under a long answer,
 * which is not of one moment. Blocks for the kernel only, 2 s at most, whoever else writes. */
int netlink_request(struct netlink *n, struct nlmsghdr *request, netlink_message_fn *each, void *argument);

/* Requests a long answer, and again (after `again`, may be NULL) while it is not of one moment: as
 * netlink_request. */
int netlink_dump(struct netlink *n, struct nlmsghdr *request, netlink_message_fn *each,
		 void (*again)(void *argument), void *argument);

/* The same step by step: the next number for a message, sending (one datagram), and receiving one
 * datagram that is there already. 0 or a negative errno; receiving: 1 received (or discarded: who
 * receives in a loop bounds it), 0 nothing there, -EPROTO torn, -ENOBUFS some were lost. */
uint32_t netlink_number(struct netlink *n);
int netlink_send(struct netlink *n, const void *bytes, size_t size);
int netlink_receive(struct netlink *n, netlink_message_fn *each, void *argument);

/* Receives what is there already, `datagrams` at most, so that nobody who sends without end holds the loop.
 * False: some were lost or torn, so that anything may have happened. */
bool netlink_receive_all(struct netlink *n, int datagrams, netlink_message_fn *each, void *argument);

#endif
