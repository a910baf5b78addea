/* The child port on macOS: unlinked files, libproc, and openvpn's utun. */
#include "os/process/child.h"

#include <fcntl.h>
#include <libproc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/proc_info.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/text.h"

/* The name of utun's control, by Apple's net/if_utun.h (UTUN_CONTROL_NAME). */
#define UTUN_CONTROL "com.apple.net.utun_control"
#define SCRATCH "/var/tmp/portcullis.XXXXXX"

enum { DESCRIPTORS_MAX = 1024 };

/* A new file in a folder in which nobody but its owner can rename or remove it. */
static int scratch(char *path, struct err *e)
{
	int fd = mkostemp(path, O_CLOEXEC);

	return fd == -1 ? err_errno(e, "%s", path) : fd;
}

int child_scratch(const char *name, struct err *e)
{
	char path[] = SCRATCH;
	int fd = scratch(path, e);

	(void)name;
	if (fd != -1)
		unlink(path);
	return fd;
}

/* The same file once more, for reading only. */
static int reopen(const char *path, int written)
{
	struct stat before, after;
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	if (fd != -1 && fstat(written, &before) == 0 && fstat(fd, &after) == 0 &&
	    before.st_dev == after.st_dev && before.st_ino == after.st_ino)
		return fd;
	if (fd != -1)
		close(fd);
	return -1;
}

/* There are no seals. Once the name and the writing descriptor are gone only a
 * reading one is left. */
int child_sealed(const char *name, const char *bytes, size_t length, struct err *e)
{
	char path[] = SCRATCH;
	int written = scratch(path, e), fd = -1;

	if (written == -1)
		return -1;
	if (io_write_all(written, bytes, length) == -1 || (fd = reopen(path, written)) == -1)
		err_errno(e, "%s: writing %s", path, name);
	unlink(path);
	close(written);
	return fd;
}

int child_die_with_parent(void)
{
	return 0;
}

/* The saved one too: there is no way back. */
bool child_became(pid_t pid, uint32_t uid)
{
	struct proc_bsdinfo info;

	return proc_pidinfo(pid, PROC_PIDTBSDINFO, 0, &info, sizeof info) == (int)sizeof info &&
	       info.pbi_uid == uid && info.pbi_ruid == uid && info.pbi_svuid == uid;
}

int child_own_path(char *to, size_t size)
{
	return proc_pidpath(getpid(), to, (uint32_t)size) > 0 ? 0 : -1;
}

/* utunN is unit N+1 of utun's control. */
static bool is_utun(pid_t pid, int descriptor, uint32_t unit)
{
	struct socket_fdinfo info;
	const struct kern_ctl_info *control = &info.psi.soi_proto.pri_kern_ctl;

	if (proc_pidfdinfo(pid, descriptor, PROC_PIDFDSOCKETINFO, &info, sizeof info) != (int)sizeof info)
		return false;
	return info.psi.soi_kind == SOCKINFO_KERN_CTL &&
	       strncmp(control->kcsi_name, UTUN_CONTROL, sizeof control->kcsi_name) == 0 &&
	       control->kcsi_unit == unit;
}

bool child_holds_interface(pid_t pid, const char *name)
{
	static struct proc_fdinfo descriptors[DESCRIPTORS_MAX];
	uint64_t number;
	int length;

	if (strncmp(name, "utun", 4) != 0 || text_number(name + 4, 0, INT32_MAX - 1, &number) == -1)
		return false;
	length = proc_pidinfo(pid, PROC_PIDLISTFDS, 0, descriptors, (int)sizeof descriptors);
	for (int i = 0; i < length / (int)sizeof *descriptors; i++) {
		if (descriptors[i].proc_fdtype == PROX_FDTYPE_SOCKET &&
		    is_utun(pid, descriptors[i].proc_fd, (uint32_t)number + 1))
			return true;
	}
	return false;
}
