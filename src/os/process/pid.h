/* The pid port: one process, held by a descriptor. */
#ifndef OS_PROCESS_PID_H
#define OS_PROCESS_PID_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct pid_walk;

/* What the kernel says of a process. */
struct pid_facts {
	pid_t parent;
	uint64_t began; /* in the kernel's own unit; with the pid it names one process for good */
	bool running;   /* not a zombie: that has left already, and holds nothing */
	bool ours;      /* root's, in our own network namespace or jail */
	char name[64];  /* as the kernel keeps it: cut, without its folder */
};

/* 0, or -1 if there is no such process, or it can't be queried. */
int pid_query(pid_t pid, struct pid_facts *facts);

/* Now, in the unit of `began`, rounded up: what begins from now on is not older. */
uint64_t pid_now(void);

/* The next process after *walk, which begins as NULL, in no order; 0 at the
 * end, and then *walk is freed. */
pid_t pid_next(struct pid_walk **walk);

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

#endif
