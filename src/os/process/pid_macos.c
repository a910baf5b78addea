/* The pid port on macOS: what libproc says of a process. */
#include "os/process/pid.h"

#include <libproc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/proc.h>
#include <sys/proc_info.h>
#include <sys/time.h>

#include "base/text.h"

enum { PROCESSES_MAX = 16384, SPARE = 64 };

struct pid_walk {
	size_t next, count;
	pid_t pids[PROCESSES_MAX];
};

static uint64_t microseconds(uint64_t seconds, uint64_t rest)
{
	return seconds * 1000000 + rest;
}

int pid_query(pid_t pid, struct pid_facts *facts)
{
	struct proc_bsdinfo info;

	memset(facts, 0, sizeof *facts);
	if (proc_pidinfo(pid, PROC_PIDTBSDINFO, 0, &info, sizeof info) != (int)sizeof info)
		return -1;
	facts->parent = (pid_t)info.pbi_ppid;
	facts->began = microseconds(info.pbi_start_tvsec, info.pbi_start_tvusec);
	facts->running = info.pbi_status != SZOMB;
	facts->ours = info.pbi_uid == 0;
	text_copy(facts->name, sizeof facts->name, info.pbi_name[0] != '\0' ? info.pbi_name : info.pbi_comm);
	return 0;
}

/* The kernel stamps a process with the time of day, once. */
uint64_t pid_now(void)
{
	struct timeval now = {0};

	(void)gettimeofday(&now, NULL);
	return microseconds((uint64_t)now.tv_sec, (uint64_t)now.tv_usec) + 1;
}

static struct pid_walk *list_all(void)
{
	struct pid_walk *walk = calloc(1, sizeof *walk);
	int length = walk == NULL ? 0 : proc_listpids(PROC_ALL_PIDS, 0, walk->pids, (int)sizeof walk->pids);

	if (length > 0)
		walk->count = (size_t)length / sizeof walk->pids[0];
	return walk;
}

pid_t pid_next(struct pid_walk **walk)
{
	if (*walk == NULL)
		*walk = list_all();
	while (*walk != NULL && (*walk)->next < (*walk)->count) {
		pid_t pid = (*walk)->pids[(*walk)->next++];

		if (pid > 0)
			return pid;
	}
	free(*walk);
	*walk = NULL;
	return 0;
}
