/* Where macOS and FreeBSD differ about a socket's peer. */
#ifndef OS_PROCESS_PEER_BSD_H
#define OS_PROCESS_PEER_BSD_H

#include <sys/types.h>

#include <stdint.h>
#include <sys/socket.h>
#include <sys/ucred.h>
#include <sys/un.h>

#ifndef SOL_LOCAL
#define SOL_LOCAL 0 /* unix(4) of FreeBSD: the level of its options */
#endif

/* The process of the peer of `descriptor`, 0 if the kernel does not say. */
int32_t peer_pid(int descriptor, const struct xucred *credentials);

#endif
