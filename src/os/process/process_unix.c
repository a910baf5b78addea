/* Finding and ending a daemon of ours, by what the pid port knows. */
#include "os/process/process.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "os/process/pid.h"

enum { LAST_WAIT = 2000 }; /* ms for the kernel to take a killed process away */

uint64_t process_now(void)
{
	return pid_now();
}

size_t process_find(const char *name, uint64_t older_than, int32_t *pids, size_t capacity)
{
	struct pid_walk *walk = NULL;
	struct pid_facts facts;
	size_t count = 0;

	for (pid_t pid; (pid = pid_next(&walk)) != 0;) {
		if (pid == getpid() || pid_query(pid, &facts) == -1 || strcmp(facts.name, name) != 0 ||
		    !facts.running || !facts.ours || (older_than != 0 && facts.began >= older_than))
			continue;
		if (count < capacity)
			pids[count] = pid;
		count++;
	}
	return count;
}

int process_end(int32_t pid, const char *name, int patience, bool *forced, struct err *e)
{
	int descriptor = pid_open(pid), result = 0;
	struct pid_facts facts;

	*forced = false;
	if (descriptor == -1)
		return errno == ESRCH ? 0 : err_errno(e, "process %" PRId32 " can't be reached", pid);
	/* After the descriptor is open the number can't change hands unseen. */
	if (pid_query(pid, &facts) == 0 && facts.running && strcmp(facts.name, name) != 0) {
		close(descriptor);
		return err_set(e, "process %" PRId32 " is not %s; instead: end it yourself", pid, name);
	}
	if (pid_signal(descriptor, pid, SIGTERM) == -1 && errno != ESRCH)
		result = err_errno(e, "process %" PRId32 " can't be ended", pid);
	if (result == 0 && !pid_ended(descriptor, patience)) {
		*forced = true;
		(void)pid_signal(descriptor, pid, SIGKILL);
		if (!pid_ended(descriptor, LAST_WAIT))
			result = err_set(e, "process %" PRId32 " does not end; instead: reboot", pid);
	}
	close(descriptor);
	return result;
}
