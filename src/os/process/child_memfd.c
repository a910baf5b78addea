/* What the child port does alike where there is sealed memory: Linux and FreeBSD (memfd_create(2)). */
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/io.h"
#include "os/process/child.h"

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
	if (io_write_all(fd, bytes, length) == -1 ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) == -1) {
		err_errno(e, "sealed memory for %s", name);
		close(fd);
		return -1;
	}
	lseek(fd, 0, SEEK_SET);
	return fd;
}
