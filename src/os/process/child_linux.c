/* The child port on Linux: prctl, /proc. */
#include "os/process/child.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

int child_die_with_parent(void)
{
	return prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
}

/* The kernel names the device in the descriptor's fdinfo: drivers/net/tun.c,
 * tun_chr_show_fdinfo. */
static bool names_interface(int folder, const char *file, const char *name)
{
	char text[512], *line;
	size_t length = strlen(name);
	ssize_t got;
	int fd = openat(folder, file, O_RDONLY | O_CLOEXEC);

	if (fd == -1)
		return false;
	got = read(fd, text, sizeof text - 1);
	close(fd);
	text[got > 0 ? got : 0] = '\0';
	line = strstr(text, "iff:\t");
	return line != NULL && strncmp(line + 5, name, length) == 0 && line[5 + length] == '\n';
}

static bool look_for_interface(pid_t pid, const char *name)
{
	char path[64];
	struct dirent *entry;
	bool found = false;
	DIR *folder;

	snprintf(path, sizeof path, "/proc/%d/fdinfo", (int)pid);
	if ((folder = opendir(path)) == NULL)
		return false;
	while (!found && (entry = readdir(folder)) != NULL)
		found = names_interface(dirfd(folder), entry->d_name, name);
	closedir(folder);
	return found;
}

/* Sets the user and group by which the next access to /proc is judged (ptrace(2)). If they can't be set back,
 * the process must not go on. */
static void look_as(uid_t uid, gid_t gid)
{
	(void)setfsgid(gid);
	(void)setfsuid(uid);
	if (uid == geteuid() && ((uid_t)setfsuid((uid_t)-1) != uid || (gid_t)setfsgid((gid_t)-1) != gid))
		abort();
}

/* The owner of these descriptors may look at them; root may only with CAP_SYS_PTRACE, which would open every
 * process to it. */
bool child_holds_interface(pid_t pid, const char *name)
{
	struct stat owner;
	char path[64];
	bool found;

	snprintf(path, sizeof path, "/proc/%d", (int)pid);
	if (stat(path, &owner) == -1)
		return false;
	look_as(owner.st_uid, owner.st_gid);
	found = look_for_interface(pid, name);
	look_as(geteuid(), getegid());
	return found;
}

bool child_became(pid_t pid, uint32_t uid)
{
	(void)pid, (void)uid;
	return true;
}

int child_own_path(char *to, size_t size)
{
	ssize_t length = readlink("/proc/self/exe", to, size - 1);

	if (length <= 0)
		return -1;
	to[length] = '\0';
	return 0;
}
