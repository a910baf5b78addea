/* The pid port on Linux: pidfds and /proc. */
#include "os/process/pid.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/text.h"

int pid_open(pid_t pid)
{
	return (int)syscall(SYS_pidfd_open, pid, 0);
}

int pid_signal(int descriptor, pid_t pid, int number)
{
	(void)pid;
	return (int)syscall(SYS_pidfd_send_signal, descriptor, number, NULL, 0);
}

/* Reads /proc/PID/stat. proc(5): the name is in brackets and may hold anything;
 * field 3 is the state, 4 the parent, 22 the beginning in clock ticks since boot. */
static int read_stat(pid_t pid, struct pid_facts *facts)
{
	char path[64], stat[1024], *name, *end, state = 'Z';
	ssize_t length;
	int descriptor;

	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	if ((descriptor = open(path, O_RDONLY | O_CLOEXEC)) == -1)
		return -1;
	length = read(descriptor, stat, sizeof stat - 1);
	close(descriptor);
	stat[length > 0 ? length : 0] = '\0';
	name = strchr(stat, '(');
	if (name == NULL || (end = strrchr(name, ')')) == NULL)
		return -1;
	*end = '\0';
	text_copy(facts->name, sizeof facts->name, name + 1);
	if (sscanf(end + 1,
		   " %c %d %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %" SCNu64,
		   &state, &facts->parent, &facts->began) != 3)
		return -1;
	facts->running = state != 'Z' && state != 'X';
	return 0;
}

static bool is_roots_and_near(pid_t pid)
{
	char path[64];
	struct stat own, theirs, process;

	snprintf(path, sizeof path, "/proc/%d", (int)pid);
	if (stat(path, &process) == -1 || process.st_uid != 0)
		return false;
	snprintf(path, sizeof path, "/proc/%d/ns/net", (int)pid);
	return stat("/proc/self/ns/net", &own) == 0 && stat(path, &theirs) == 0 &&
	       own.st_ino == theirs.st_ino && own.st_dev == theirs.st_dev;
}

int pid_query(pid_t pid, struct pid_facts *facts)
{
	memset(facts, 0, sizeof *facts);
	if (read_stat(pid, facts) == -1)
		return -1;
	facts->ours = is_roots_and_near(pid);
	return 0;
}

uint64_t pid_now(void)
{
	struct timespec now = {0};
	uint64_t ticks = (uint64_t)sysconf(_SC_CLK_TCK);

	(void)clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * ticks + (uint64_t)now.tv_nsec * ticks / 1000000000 + 1;
}

pid_t pid_next(struct pid_walk **walk)
{
	DIR *proc = *walk != NULL ? (DIR *)*walk : opendir("/proc");
	const struct dirent *entry;
	uint64_t pid;

	*walk = (struct pid_walk *)proc;
	while (proc != NULL && (entry = readdir(proc)) != NULL) {
		if (text_number(entry->d_name, 1, INT32_MAX, &pid) == 0)
			return (pid_t)pid;
	}
	if (proc != NULL)
		closedir(proc);
	*walk = NULL;
	return 0;
}
