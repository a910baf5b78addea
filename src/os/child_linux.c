/* The child port on Linux: memfd, prctl, capabilities, /proc. */
#include "os/child.h"

#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { CAPABILITY_LAST = 63 };

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

/* It sets nothing: not the addresses, not the routes (device.h, route.h). */
size_t child_openvpn_words(const char *interface, const struct net_endpoint *endpoint, bool redirect,
			   const char **words)
{
	(void)endpoint; /* conntrack relates the errors: row 4 */
	(void)redirect;
	words[0] = "--dev";
	words[1] = interface;
	words[2] = "--script-security";
	words[3] = "0";
	words[4] = "--ifconfig-noexec";
	words[5] = "--route-noexec";
	return 6;
}

int child_own_path(char *to, size_t size)
{
	ssize_t length = readlink("/proc/self/exe", to, size - 1);

	if (length <= 0)
		return -1;
	to[length] = '\0';
	return 0;
}
