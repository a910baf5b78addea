/* Which process has a netlink address, and is it a portcullisd: by what the kernel shows in /proc. A number
 * alone is anybody's, and so is a name. */
#include <dirent.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/netwatch/linux/netlink_owner.h"
#include "os/process/pid.h"

/* The inode of the socket at that address; 0: there is none. */
static uintmax_t socket_at(int wanted, uint32_t address)
{
	FILE *file = fopen("/proc/self/net/netlink", "re");
	uintmax_t found = 0, inode;
	unsigned at;
	int protocol;
	char line[256];

	while (file != NULL && found == 0 && fgets(line, sizeof line, file) != NULL)
		if (sscanf(line, "%*s %d %u %*s %*s %*s %*s %*s %*s %ju", &protocol, &at, &inode) == 3 &&
		    protocol == wanted && at == address)
			found = inode;
	if (file != NULL)
		fclose(file);
	return found;
}

static bool has_socket(int32_t pid, uintmax_t inode)
{
	char path[300], target[64], wanted[64];
	const struct dirent *entry;
	bool found = false;
	DIR *folder;

	snprintf(wanted, sizeof wanted, "socket:[%ju]", inode);
	snprintf(path, sizeof path, "/proc/%" PRId32 "/fd", pid);
	folder = opendir(path);
	while (folder != NULL && !found && (entry = readdir(folder)) != NULL) {
		ssize_t length = readlinkat(dirfd(folder), entry->d_name, target, sizeof target - 1);

		target[length > 0 ? length : 0] = '\0';
		found = strcmp(target, wanted) == 0;
	}
	if (folder != NULL)
		closedir(folder);
	return found;
}

/* Stopped, it lives and holds nothing: it would not see what is done to its rules. */
static bool is_stopped(int32_t pid)
{
	char path[64], line[128], state = 'T';
	FILE *file;

	snprintf(path, sizeof path, "/proc/%" PRId32 "/status", pid);
	file = fopen(path, "re");
	while (file != NULL && fgets(line, sizeof line, file) != NULL)
		if (sscanf(line, "State: %c", &state) == 1)
			break;
	if (file != NULL)
		fclose(file);
	return state == 'T' || state == 't';
}

int32_t netlink_is_same_program(int32_t pid)
{
	struct pid_facts facts;
	struct stat ours, theirs;
	char path[64];

	snprintf(path, sizeof path, "/proc/%" PRId32 "/exe", pid);
	return pid > 0 && pid != getpid() && stat("/proc/self/exe", &ours) == 0 && stat(path, &theirs) == 0 &&
		       ours.st_dev == theirs.st_dev && ours.st_ino == theirs.st_ino &&
		       pid_query(pid, &facts) == 0 && facts.running && facts.ours && !is_stopped(pid)
		   ? pid
		   : 0;
}

/* Most often its address is its number. */
int32_t netlink_owner(int protocol, uint32_t address, int32_t guess)
{
	const int32_t likely[] = {(int32_t)address, guess};
	uintmax_t inode = socket_at(protocol, address);
	struct pid_walk *walk = NULL;
	int32_t found = 0;
	pid_t pid;

	if (inode == 0)
		return 0;
	for (size_t i = 0; i < 2; i++)
		if (netlink_is_same_program(likely[i]) != 0 && has_socket(likely[i], inode))
			return likely[i];
	while ((pid = pid_next(&walk)) != 0)
		if (found == 0 && netlink_is_same_program(pid) != 0 && has_socket(pid, inode))
			found = pid;
	return found;
}

/* The name is read between two looks at the socket: a process that has it before and after had it meanwhile.
 */
const char *netlink_sender(int protocol, uint32_t address, char *to)
{
	int32_t pid = (int32_t)address;
	struct pid_facts facts;
	uintmax_t inode;
	bool sure;

	to[0] = '\0';
	if (pid <= 0 || pid == getpid())
		return to;
	inode = socket_at(protocol, address);
	sure = inode != 0 && has_socket(pid, inode);
	if (pid_query(pid, &facts) == -1)
		snprintf(to, NETLINK_SENDER, "process %" PRId32 ", which has ended", pid);
	else
		snprintf(to, NETLINK_SENDER, "%s%s (process %" PRId32 ")",
			 sure && has_socket(pid, inode) ? "" : "perhaps ", facts.name, pid);
	return to;
}
