/* Descriptors that no child inherits, on macOS: made, then marked. */
#include "os/process/descriptor.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { DESCRIPTORS_MIN = 1024, DESCRIPTORS_MAX = 65536 };

/* The descriptor, or -1 with errno; then it is closed. */
static int mark(int fd, bool nonblocking)
{
	int cause;

	if (fd == -1)
		return -1;
	if (fcntl(fd, F_SETFD, FD_CLOEXEC) == 0 && (!nonblocking || fcntl(fd, F_SETFL, O_NONBLOCK) == 0))
		return fd;
	cause = errno;
	close(fd);
	errno = cause;
	return -1;
}

static int mark_both(int ends[2], bool nonblocking)
{
	int first = mark(ends[0], nonblocking), second = mark(ends[1], nonblocking);

	if (first != -1 && second != -1)
		return 0;
	if (first != -1)
		close(first);
	if (second != -1)
		close(second);
	return -1;
}

int descriptor_pipe(int ends[2], bool nonblocking)
{
	return pipe(ends) == -1 ? -1 : mark_both(ends, nonblocking);
}

int descriptor_pair(int ends[2])
{
	return socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == -1 ? -1 : mark_both(ends, false);
}

int descriptor_socket(int domain, int type, bool nonblocking)
{
	return mark(socket(domain, type, 0), nonblocking);
}

int descriptor_accept(int listener)
{
	return mark(accept(listener, NULL, NULL), true);
}

/* There is no close_range(2) on macOS. */
void descriptor_close_from(int lowest)
{
	long top = sysconf(_SC_OPEN_MAX);

	if (top < DESCRIPTORS_MIN)
		top = DESCRIPTORS_MIN; /* what was opened before a limit was lowered */
	if (top > DESCRIPTORS_MAX)
		top = DESCRIPTORS_MAX;
	for (int i = lowest; i < top; i++)
		close(i);
}
