/* The memory port: none of a program's memory in swap. */
#ifndef OS_PROCESS_SANDBOX_MEMORY_H
#define OS_PROCESS_SANDBOX_MEMORY_H

/* What this process has in memory, now and from now on, is never written to swap. Before it gives up root's
 * rights. 0, or -1 with errno: the system has no such thing, or does not allow so much. */
int memory_lock(void);

#endif
