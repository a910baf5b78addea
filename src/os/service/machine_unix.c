/* What the machine port does alike everywhere: looking for processes by their names. */
#include "os/service/machine_fact.h"

#include <string.h>
#include <unistd.h>

#include "os/process/pid.h"

enum { KERNELS_NAME = 15 };

static bool is_called(const struct pid_facts *facts, const char *name)
{
	return facts->running && strncmp(facts->name, name, KERNELS_NAME) == 0;
}

bool machine_runs(const char *name)
{
	struct pid_walk *walk = NULL;
	struct pid_facts facts;
	bool runs = false;
	pid_t pid;

	while ((pid = pid_next(&walk)) != 0) /* to the end: that frees it */
		runs = (pid_query(pid, &facts) == 0 && is_called(&facts, name)) || runs;
	return runs;
}

/* A container's are not ours; only root can tell. */
static void mark_processes(bool *running)
{
	struct pid_walk *walk = NULL;
	bool all = geteuid() != 0;
	struct pid_facts facts;
	pid_t pid;

	while ((pid = pid_next(&walk)) != 0) {
		if (pid_query(pid, &facts) == -1 || !(facts.ours || all))
			continue;
		for (size_t i = 0; machine_others[i].name != NULL; i++)
			running[i] |= !machine_others[i].unit && is_called(&facts, machine_others[i].name);
	}
}

int machine_others_run(bool *running, int milliseconds)
{
	int result;

	memset(running, 0, MACHINE_OTHERS * sizeof *running);
	result = machine_units(running, milliseconds);
	mark_processes(running);
	return result;
}
