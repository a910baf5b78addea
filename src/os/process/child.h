/* The child port: what starting, limiting and ending a child needs. */
#ifndef OS_PROCESS_CHILD_H
#define OS_PROCESS_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/net.h"

/* A read-only descriptor with these bytes that nobody can change any more
 * (memfd with seals, or an unlinked root-owned file). -1 and `e` on failure. */
int child_sealed(const char *name, const char *bytes, size_t length, struct err *e);

/* A file without a name, to write and read; for a child's output. -1 and `e`. */
int child_scratch(const char *name, struct err *e);

/* As fork(2), but no handler of this process ever runs in the child: a signal ends it, and is not taken for
 * one to its parent (libevent's handlers write into a pipe that both have). */
pid_t child_fork(void);

/* Waits until a child of ours has ended, however often a signal comes: 0 and its `status` (wait(2)); -1 with
 * errno, and the status is -1: there is no such child. */
int child_reap(pid_t pid, int *status);

/* In a child: it ends when its parent does. 0 or -1 with errno. macOS has no
 * such thing: there a child ends because its channel closes (known-issues.md). */
int child_die_with_parent(void);

/* When `pid` started, in the kernel's own unit; 0 if there is none. Together
 * with the pid it names one process for good. */
uint64_t child_started(pid_t pid);

/* Does `pid` hold the TUN device `name` open? */
bool child_holds_interface(pid_t pid, const char *name);

/* Has openvpn, `pid`, become this user for good? Asked where it becomes it by
 * itself; elsewhere it was so from before exec. */
bool child_became(pid_t pid, uint32_t uid);

/* SIGKILL to `pid` if it is still the one that began at `started`, and waits
 * until it is gone, 1 s at most. 0 if it is gone, else -1. */
int child_end(pid_t pid, uint64_t started);

/* Waits for a child of ours, `milliseconds` at most; then it is killed. Its status. */
int child_wait(pid_t pid, int milliseconds);

/* The path of our own executable. 0 or -1. */
int child_own_path(char *to, size_t size);

/* The path of our own executable's folder plus `name`, if such a file is
 * there, else `fallback`/name. Returns `to` (`size` bytes). */
const char *child_sibling(const char *name, const char *fallback, char *to, size_t size);

/* In a child: descriptors from[0..count) go to the places first, first + 1 ...,
 * those above are closed. 0 or -1 with errno. */
int child_place(const int *from, size_t count, int first);

/* The same, then it ends with its parent, and becomes `path` with an
 * empty environment. Never returns; a failure is written to descriptor 2. */
_Noreturn void child_exec(const char *path, char *const arguments[], const int *from, size_t count,
			  int first);

#endif
