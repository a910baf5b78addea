/* The child port on Linux: memfd, prctl, capabilities, pidfd, /proc. */
#include "os/child.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/capability.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/io.h"

enum { END_WAIT_MS = 1000, STAT_STARTTIME_FIELD = 22, CAPABILITY_LAST = 63, CHILD_DESCRIPTORS = 16 };

int child_scratch(const char *name, struct err *e)
{
	int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);

	return fd == -1 ? err_errno(e, "memfd_create") : fd;
}

int child_sealed(const char *name, const char *bytes, size_t length, struct err *e)
{
	int fd = child_scratch(name, e);

	if (fd == -1)
		return -1;
	if (io_write_all(fd, bytes, length) == -1) {
		err_errno(e, "memfd write");
		close(fd);
		return -1;
	}
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) == -1) {
		err_errno(e, "memfd seals");
		close(fd);
		return -1;
	}
	lseek(fd, 0, SEEK_SET);
	return fd;
}

/* openvpn sets addresses and routes and opens the TUN device: CAP_NET_ADMIN
 * is all it needs (capabilities(7)). */
static int keep_only_net_admin(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {{0}};
	uint32_t bit = 1u << CAP_NET_ADMIN;

	data[0].effective = data[0].permitted = data[0].inheritable = bit;
	if (syscall(SYS_capset, &header, data) == -1)
		return -1;
	return prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_ADMIN, 0, 0);
}

int child_confine_openvpn(uint32_t uid, uint32_t gid)
{
	struct rlimit no_core = {0, 0};

	for (int cap = 0; cap <= CAPABILITY_LAST; cap++) {
		if (cap != CAP_NET_ADMIN && prctl(PR_CAPBSET_READ, cap, 0, 0, 0) == 1 &&
		    prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) == -1)
			return -1;
	}
	if (setrlimit(RLIMIT_CORE, &no_core) == -1 || prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) == -1)
		return -1;
	if (setgroups(0, NULL) == -1 || setresgid(gid, gid, gid) == -1 || setresuid(uid, uid, uid) == -1)
		return -1;
	return keep_only_net_admin() == -1 ? -1 : prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

int child_die_with_parent(void)
{
	return prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
}

uint64_t child_started(pid_t pid)
{
	char path[64], stat[1024], *at;
	uint64_t started = 0;
	ssize_t length;
	int fd;

	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) == -1)
		return 0;
	length = read(fd, stat, sizeof stat - 1);
	close(fd);
	if (length <= 0)
		return 0;
	stat[length] = '\0';
	/* proc(5): the name is in brackets and may hold anything; count from its end. */
	if ((at = strrchr(stat, ')')) == NULL)
		return 0;
	for (int field = 2; field < STAT_STARTTIME_FIELD && at != NULL; field++)
		at = strchr(at + 1, ' ');
	if (at == NULL || sscanf(at, " %" SCNu64, &started) != 1)
		return 0;
	return started;
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

bool child_holds_interface(pid_t pid, const char *name)
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

int child_wait(pid_t pid, int milliseconds)
{
	struct pollfd gone = {.fd = (int)syscall(SYS_pidfd_open, pid, 0), .events = POLLIN};
	int status = -1;

	/* A stopped child would be waited for for ever. */
	if (gone.fd == -1 || poll(&gone, 1, milliseconds) != 1)
		kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) == -1 && errno == EINTR)
		;
	if (gone.fd != -1)
		close(gone.fd);
	return status;
}

int child_end(pid_t pid, uint64_t started)
{
	struct pollfd gone = {.events = POLLIN};
	int fd, result = 0;

	if (pid <= 1 || started == 0 || child_started(pid) != started)
		return 0;
	if ((fd = (int)syscall(SYS_pidfd_open, pid, 0)) == -1)
		return errno == ESRCH ? 0 : -1;
	/* The descriptor now names the process; ask once more that it is the one. */
	if (child_started(pid) == started) {
		syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0);
		gone.fd = fd;
		result = poll(&gone, 1, END_WAIT_MS) == 1 ? 0 : -1;
	}
	close(fd);
	return result;
}

const char *child_sibling(const char *name, const char *fallback, char *to, size_t size)
{
	char self[PATH_MAX], *slash;
	ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);

	if (length > 0) {
		self[length] = '\0';
		if ((slash = strrchr(self, '/')) != NULL)
			slash[1] = '\0';
		snprintf(to, size, "%s%s", self, name);
		if (access(to, F_OK) == 0)
			return to;
	}
	snprintf(to, size, "%s/%s", fallback, name);
	return to;
}

/* First out of the way of the places, then into them. */
static int place(const int *from, size_t count, int first)
{
	int above = first + (int)count, away[CHILD_DESCRIPTORS];

	if (count > CHILD_DESCRIPTORS)
		return -1;
	for (size_t i = 0; i < count; i++) {
		away[i] = from[i] >= above ? from[i] : fcntl(from[i], F_DUPFD, above);
		if (away[i] == -1)
			return -1;
	}
	for (size_t i = 0; i < count; i++) {
		if (dup2(away[i], first + (int)i) == -1)
			return -1;
	}
	syscall(SYS_close_range, above, ~0u, 0);
	return 0;
}

_Noreturn void child_exec(const char *path, char *const arguments[], const int *from, size_t count, int first)
{
	static char *const environment[] = {NULL};

	if (place(from, count, first) == 0 && child_die_with_parent() == 0)
		execve(path, arguments, environment);
	dprintf(2, "%s: %s\n", path, strerror(errno));
	_exit(127);
}
