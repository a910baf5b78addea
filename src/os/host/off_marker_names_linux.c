/* The off marker's names on Linux: the boot's id, the network namespace. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/host/off_marker_names.h"

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71 /* Linux 5.14; older headers don't name it */
#endif

/* The cookie is never reused; the inode is for kernels that don't show it. */
int off_marker_network(char *to, size_t size)
{
	uint64_t cookie = 0;
	socklen_t length = sizeof cookie;
	struct stat status;
	int probe = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), result;

	result = probe == -1 ? -1 : getsockopt(probe, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &length);
	if (probe != -1)
		close(probe);
	if (result == 0) {
		snprintf(to, size, "cookie:%" PRIu64, cookie);
		return 0;
	}
	if (stat("/proc/self/ns/net", &status) == -1)
		return -1;
	snprintf(to, size, "inode:%ju", (uintmax_t)status.st_ino);
	return 0;
}

int off_marker_boot(char *to, size_t size)
{
	int descriptor = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	ssize_t length = descriptor == -1 ? -1 : read(descriptor, to, size - 1);

	if (descriptor != -1)
		close(descriptor);
	if (length <= 0)
		return -1;
	to[length] = '\0';
	to[strcspn(to, "\n")] = '\0';
	return to[0] == '\0' ? -1 : 0;
}
