/* The apart port: a program that is run by itself, with a file system, a resolver and processes of its own.
 */
#ifndef OS_PROCESS_SANDBOX_APART_H
#define OS_PROCESS_SANDBOX_APART_H

#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

struct apart {
	uint32_t user, group;    /* its only group: that of its sockets, too */
	const char *folder;      /* an empty file system is mounted here, the user's: its working directory */
	const char *resolv_conf; /* what /etc/resolv.conf is for it; names are asked for of nobody else */
	char *const *arguments;  /* a program without a slash is looked for by the PATH of: */
	char **environment;
};

/* Starts it: the pid of a child that ends with the program's status. When that child ends, or is killed, or
 * we end, every process that the program has started is killed by the kernel, and its file system is gone. -1
 * and `e`: it was not started; also where the platform has no such thing. */
pid_t apart_start(const struct apart *apart, struct err *e);

#endif
