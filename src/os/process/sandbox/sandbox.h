/* The sandbox port: what a program of ours may still ask of the kernel. */
#ifndef OS_PROCESS_SANDBOX_SANDBOX_H
#define OS_PROCESS_SANDBOX_SANDBOX_H

#include <stdint.h>

#include "base/err.h"

enum sandbox_program {
	SANDBOX_DRIVER, /* sockets it was given, accept, the log, timers, /etc/localtime never */
	SANDBOX_VET,    /* read its input, write its output, leave */
	SANDBOX_ASK,    /* one connection that stands, its output, leave */
	SANDBOX_SIGN,   /* one socket that stands, leave */
	SANDBOX_TOKEN   /* anything but other programs, other processes and the network: it loads others' code
			 */
};

/* Becomes `uid`/`gid` without supplementary groups, undumpable, no new
 * privileges. First line of the driver. 0 or -1. */
int sandbox_drop(uint32_t uid, uint32_t gid, struct err *e);

/* Leaves `program` what it needs and nothing else, as far as the system can: a
 * violation kills the process (Linux, OpenBSD) or is refused (FreeBSD, macOS).
 * 0 or -1 (then the caller must leave). */
int sandbox_enter(enum sandbox_program program, struct err *e);

#endif
