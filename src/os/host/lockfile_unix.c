/* Lockfiles by record locks: the kernel knows the process, and unlocks when it ends. */
#include "os/host/lockfile.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "os/host/file.h"

int lockfile_open(const char *path, struct err *e)
{
	int descriptor;

	if (file_folder_of(path, 0755, e) == -1)
		return -1;
	descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
	return descriptor == -1 ? err_errno(e, "%s", path) : descriptor;
}

int lockfile_lock(int descriptor, int32_t *pid)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

	*pid = 0;
	if (fcntl(descriptor, F_SETLK, &lock) == 0)
		return 0;
	if (errno != EACCES && errno != EAGAIN)
		return -1;
	if (lockfile_owner(descriptor, pid) == -1)
		return -1;
	if (*pid != 0)
		return 1;
	errno = EAGAIN; /* it was unlocked between the two questions */
	return -1;
}

int lockfile_owner(int descriptor, int32_t *pid)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

	*pid = 0;
	if (fcntl(descriptor, F_GETLK, &lock) == -1)
		return -1;
	if (lock.l_type != F_UNLCK)
		*pid = lock.l_pid;
	return 0;
}

int lockfile_owner_at(const char *path, int32_t *pid)
{
	int descriptor = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK), result;

	*pid = 0;
	if (descriptor == -1)
		return errno == ENOENT || errno == ENOTDIR ? 0 : -1;
	result = lockfile_owner(descriptor, pid);
	close(descriptor);
	return result;
}
