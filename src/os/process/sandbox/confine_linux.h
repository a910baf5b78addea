/* The confinement's two walls on Linux, in files of their own. */
#ifndef OS_PROCESS_SANDBOX_CONFINE_LINUX_H
#define OS_PROCESS_SANDBOX_CONFINE_LINUX_H

#include "base/err.h"
#include "os/process/sandbox/confine.h"

/* Builds the list of system calls, once. 0, or -1 and `e`. */
int confine_calls_build(struct err *e);

/* This process enters it, for good. 0 or -1 with errno. */
int confine_calls_enter(void);

/* What the kernel's Landlock can: its ABI; 0: it has none; -1 with errno. */
int confine_files_abi(void);

/* As root: a descriptor of what may be touched; -1 with errno. */
int confine_files_rules(const struct confine *confine, int abi);

/* With no new privileges: only that from now on; closes it. 0 or -1 with errno. */
int confine_files_enter(int rules);

#endif
