/* Finding and ending a daemon of ours on Linux: /proc and pidfds. */
#include "os/process.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/text.h"

enum { LAST_WAIT = 2000 }; /* ms for the kernel to take a killed process away */

/* Reads a small file of /proc/PID. Returns its length, 0 on failure. */
static size_t read_proc(int32_t pid, const char *file, char *to, size_t size)
{
	char path[64];
	ssize_t length;
	int descriptor;

	snprintf(path, sizeof path, "/proc/%" PRId32 "/%s", pid, file);
	if ((descriptor = open(path, O_RDONLY | O_CLOEXEC)) == -1)
		return 0;
	length = read(descriptor, to, size - 1);
	close(descriptor);
	to[length > 0 ? length : 0] = '\0';
	return length > 0 ? (size_t)length : 0;
}

static bool is_called(int32_t pid, const char *name)
{
	char comm[64];

	if (read_proc(pid, "comm", comm, sizeof comm) == 0)
		return false;
	comm[strcspn(comm, "\n")] = '\0';
	return strcmp(comm, name) == 0;
}

/* A zombie has left already: it holds nothing and can't be ended again. */
static bool is_running(int32_t pid, uint64_t *began)
{
	char stat[1024], *at, state = 'Z';

	*began = 0;
	if (read_proc(pid, "stat", stat, sizeof stat) == 0 || (at = strrchr(stat, ')')) == NULL)
		return false;
	/* proc(5): field 3 is the state, 22 the beginning in clock ticks since boot. */
	if (sscanf(at + 1,
		   " %c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %" SCNu64,
		   &state, began) != 2)
		return false;
	return state != 'Z' && state != 'X';
}

static bool is_ours(int32_t pid)
{
	char path[64];
	struct stat own, theirs, process;

	snprintf(path, sizeof path, "/proc/%" PRId32, pid);
	if (stat(path, &process) == -1 || process.st_uid != 0)
		return false;
	snprintf(path, sizeof path, "/proc/%" PRId32 "/ns/net", pid);
	return stat("/proc/self/ns/net", &own) == 0 && stat(path, &theirs) == 0 &&
	       own.st_ino == theirs.st_ino && own.st_dev == theirs.st_dev;
}

uint64_t process_now(void)
{
	struct timespec now;
	uint64_t ticks = (uint64_t)sysconf(_SC_CLK_TCK);

	clock_gettime(CLOCK_BOOTTIME, &now);
	/* The kernel rounds down: what begins in this tick is not older than now. */
	return (uint64_t)now.tv_sec * ticks + (uint64_t)now.tv_nsec * ticks / 1000000000 + 1;
}

size_t process_find(const char *name, uint64_t older_than, int32_t *pids, size_t capacity)
{
	DIR *proc = opendir("/proc");
	const struct dirent *entry;
	size_t count = 0;

	while (proc != NULL && (entry = readdir(proc)) != NULL) {
		uint64_t pid, began;

		if (text_number(entry->d_name, 1, INT32_MAX, &pid) == -1 || (pid_t)pid == getpid() ||
		    !is_called((int32_t)pid, name) || !is_running((int32_t)pid, &began) ||
		    !is_ours((int32_t)pid) || (older_than != 0 && began >= older_than))
			continue;
		if (count < capacity)
			pids[count] = (int32_t)pid;
		count++;
	}
	if (proc != NULL)
		closedir(proc);
	return count;
}

static bool has_ended(int pidfd, int patience)
{
	struct pollfd waiting = {.fd = pidfd, .events = POLLIN};
	int ready;

	do
		ready = poll(&waiting, 1, patience);
	while (ready == -1 && errno == EINTR);
	return ready == 1;
}

static int send_signal(int pidfd, int number)
{
	return (int)syscall(SYS_pidfd_send_signal, pidfd, number, NULL, 0);
}

int process_end(int32_t pid, const char *name, int patience, bool *forced, struct err *e)
{
	int pidfd = (int)syscall(SYS_pidfd_open, pid, 0), result = 0;
	uint64_t began;

	*forced = false;
	if (pidfd == -1)
		return errno == ESRCH ? 0 : err_errno(e, "process %" PRId32 " can't be reached", pid);
	/* After the pidfd is open the number can't change hands unseen. */
	if (is_running(pid, &began) && !is_called(pid, name)) {
		close(pidfd);
		return err_set(e, "process %" PRId32 " is not %s; instead: end it yourself", pid, name);
	}
	if (send_signal(pidfd, SIGTERM) == -1 && errno != ESRCH)
		result = err_errno(e, "process %" PRId32 " can't be ended", pid);
	if (result == 0 && !has_ended(pidfd, patience)) {
		*forced = true;
		(void)send_signal(pidfd, SIGKILL);
		if (!has_ended(pidfd, LAST_WAIT))
			result = err_set(e, "process %" PRId32 " does not end; instead: reboot", pid);
	}
	close(pidfd);
	return result;
}
