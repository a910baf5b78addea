/* The confinement port: becoming openvpn, with nothing that it does not need. */
#ifndef OS_PROCESS_SANDBOX_CONFINE_H
#define OS_PROCESS_SANDBOX_CONFINE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/net.h"

struct confine {
	uint32_t uid, gid;
	const char *binary; /* the one program that may be executed */
	const char *folder; /* where it begins: nothing above need be its to enter */
	const char *node;   /* the one device that may be opened; NULL: the usual one */
	const struct net_endpoint *endpoint;
};

/* Makes ready what each attempt uses, the first time. 0, or -1 and `e`: then
 * openvpn must not be started. Words of what this system can't do (and what
 * that leaves to an openvpn that is taken over) in `lacks`, "" nothing. */
int confine_prepare(const struct confine *confine, const char **lacks, struct err *e);

/* In a child, after confine_prepare in its parent: descriptors from[0..count) go
 * to 0, 1 ..., the others are closed; group `gid` and no other, user `uid`, no
 * capability, no new privileges, no core, an end with the parent; then becomes
 * `binary` with an empty environment. On Linux, unless `uid` is root: the list
 * of system calls, and no file but what it is linked with and `node`. On macOS
 * it begins as root, unless `uid` is root in a sandbox; it becomes `uid` by its
 * own words (child.h). Never returns: what fails is said on descriptor 2, and
 * nothing was executed. */
_Noreturn void confine_exec(const struct confine *confine, char *const arguments[], const int *from,
			    size_t count);

#endif
