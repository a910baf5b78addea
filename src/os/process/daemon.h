/* The daemon port: what a root daemon gives up first, and how it leaves its terminal. */
#ifndef OS_PROCESS_DAEMON_H
#define OS_PROCESS_DAEMON_H

/* No core, no debugger of others, no signal of a closed pipe, and descriptors
 * 0 to 2 are taken, so that no socket of ours is written to as a terminal. */
void daemon_harden(void);

/* The part of it that each system has its own call for. */
void daemon_undumpable(void);

/* Two processes: the first leaves with 0 when the second calls daemon_ready,
 * with 1 if it ends before. In the second *ready is set. */
void daemon_begin(int *ready);

/* Lets the first process leave. -1 is nobody. 0, or -1: nobody waits any more. */
int daemon_ready(int ready);

#endif
