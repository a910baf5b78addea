/* The pid port: one process, held by a descriptor. */
#ifndef OS_PID_H
#define OS_PID_H

#include <stdbool.h>
#include <sys/types.h>

/* A descriptor of the process `pid`, that poll(2) finds readable once it has
 * ended. The caller closes it. -1 with errno: ESRCH if there is none. */
int pid_open(pid_t pid);

/* Waits until the process of `descriptor` has ended, `milliseconds` at most. */
bool pid_ended(int descriptor, int milliseconds);

/* A signal to the process of `descriptor`, which is `pid`. 0, or -1 with errno.
 * On Linux it never hits another that took the number; elsewhere only a process
 * that has not ended yet is signalled, and what could come between is a few
 * instructions long. */
int pid_signal(int descriptor, pid_t pid, int number);

/* Closes every descriptor from `lowest` on; for a child before exec. */
void pid_close_from(int lowest);

#endif
