/* The process port: finding and ending a daemon of ours from outside. */
#ifndef OS_PROCESS_PROCESS_H
#define OS_PROCESS_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* Root's processes called `name` in this network namespace, in `pids`; at most
 * `capacity` are written, all are counted. `older_than`: only those that began
 * before it (process_now), 0 any. */
size_t process_find(const char *name, uint64_t older_than, int32_t *pids, size_t capacity);

/* A moment in the unit that processes' beginnings are kept in. */
uint64_t process_now(void);

/* Ends process `pid` if it is called `name`: asks it (SIGTERM), waits up to
 * `patience` ms, then forces it; a stopped one too. Never hits another process
 * that took the number. 0 ended (or gone already; *forced says how), -1 and `e`. */
int process_end(int32_t pid, const char *name, int patience, bool *forced, struct err *e);

#endif
