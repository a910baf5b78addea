/* The pid port on FreeBSD: what sysctl says of a process. */
#include "os/process/pid.h"

#include <sys/param.h>

#include <stdlib.h>
#include <string.h>
#include <sys/sysctl.h>
#include <sys/time.h>
#include <sys/user.h>
#include <time.h>

#include "base/text.h"

enum { TRIES = 4 };

struct pid_walk {
	size_t next, count;
	struct kinfo_proc processes[];
};

static uint64_t microseconds(const struct timeval *time)
{
	return (uint64_t)time->tv_sec * 1000000 + (uint64_t)time->tv_usec;
}

/* The kernel keeps a process's beginning as time since boot and adds the time
 * of boot to it, which moves when the clock is set: it is taken away again. */
int pid_query(pid_t pid, struct pid_facts *facts)
{
	int name[] = {CTL_KERN, KERN_PROC, KERN_PROC_PID, pid}, boot_name[] = {CTL_KERN, KERN_BOOTTIME};
	struct kinfo_proc process;
	struct timeval boot;
	size_t length = sizeof process, boot_length = sizeof boot;

	memset(facts, 0, sizeof *facts);
	if (sysctl(name, 4, &process, &length, NULL, 0) == -1 || length != sizeof process ||
	    process.ki_structsize != (int)sizeof process ||
	    sysctl(boot_name, 2, &boot, &boot_length, NULL, 0) == -1)
		return -1;
	facts->parent = process.ki_ppid;
	facts->began = microseconds(&process.ki_start) - microseconds(&boot);
	facts->running = process.ki_stat != SZOMB;
	/* 0 is our own jail, whether that is the host or not. */
	facts->ours = process.ki_uid == 0 && process.ki_jid == 0;
	text_copy(facts->name, sizeof facts->name, process.ki_comm);
	return 0;
}

uint64_t pid_now(void)
{
	struct timespec now = {0};

	(void)clock_gettime(CLOCK_UPTIME, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000 + 1;
}

/* The kernel's first answer is how much room there must be, with some to spare. */
static struct pid_walk *list_all(void)
{
	int name[] = {CTL_KERN, KERN_PROC, KERN_PROC_PROC};
	struct pid_walk *walk;
	size_t length;

	for (int i = 0; i < TRIES; i++) {
		if (sysctl(name, 3, NULL, &length, NULL, 0) == -1 ||
		    (walk = calloc(1, sizeof *walk + length)) == NULL)
			return NULL;
		if (sysctl(name, 3, walk->processes, &length, NULL, 0) == 0) {
			walk->count = length / sizeof walk->processes[0];
			return walk;
		}
		free(walk);
	}
	return NULL;
}

pid_t pid_next(struct pid_walk **walk)
{
	if (*walk == NULL)
		*walk = list_all();
	if (*walk != NULL && (*walk)->next < (*walk)->count)
		return (*walk)->processes[(*walk)->next++].ki_pid;
	free(*walk);
	*walk = NULL;
	return 0;
}
