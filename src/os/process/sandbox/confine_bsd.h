/* What the confinements of macOS and of FreeBSD differ in; nobody else includes it. */
#ifndef OS_PROCESS_SANDBOX_CONFINE_BSD_H
#define OS_PROCESS_SANDBOX_CONFINE_BSD_H

#include <stdint.h>

#include "os/process/sandbox/confine.h"

/* The user that openvpn begins as. */
uint32_t confine_bsd_begins_as(const struct confine *confine);

/* In the child, once it is that user: what the system has beyond identities. 0, or -1 and `e`. */
int confine_bsd_enter(const struct confine *confine, struct err *e);

/* What an openvpn that is taken over may do nevertheless; for the log. */
extern const char confine_bsd_lacks[];

#endif
