/* glibc's checked calls lead to the plain ones, which a test may have replaced. Which call a compiler chooses
 * for _FORTIFY_SOURCE depends on how much it knows of the buffer (fcntl2.h, poll2.h, socket2.h and unistd.h
 * in glibc's bits/). */
#undef _FORTIFY_SOURCE /* here a plain call is meant */
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

int __open_2(const char *path, int flags);
int __poll_chk(struct pollfd *of, nfds_t count, int milliseconds, size_t room);
ssize_t __pread_chk(int descriptor, void *to, size_t size, off_t at, size_t room);
ssize_t __read_chk(int descriptor, void *to, size_t size, size_t room);
ssize_t __recv_chk(int descriptor, void *to, size_t size, size_t room, int flags);

int __open_2(const char *path, int flags)
{
	return open(path, flags);
}

int __poll_chk(struct pollfd *of, nfds_t count, int milliseconds, size_t room)
{
	(void)room;
	return poll(of, count, milliseconds);
}

ssize_t __pread_chk(int descriptor, void *to, size_t size, off_t at, size_t room)
{
	(void)room;
	return pread(descriptor, to, size, at);
}

ssize_t __read_chk(int descriptor, void *to, size_t size, size_t room)
{
	(void)room;
	return read(descriptor, to, size);
}

ssize_t __recv_chk(int descriptor, void *to, size_t size, size_t room, int flags)
{
	(void)room;
	return recv(descriptor, to, size, flags);
}
