/* Descriptors that no child inherits, where the calls take flags: Linux and the BSDs. */
#include "os/process/descriptor.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

int descriptor_pipe(int ends[2], bool nonblocking)
{
	return pipe2(ends, O_CLOEXEC | (nonblocking ? O_NONBLOCK : 0));
}

int descriptor_pair(int ends[2])
{
	return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends);
}

int descriptor_socket(int domain, int type, bool nonblocking)
{
	return socket(domain, type | SOCK_CLOEXEC | (nonblocking ? SOCK_NONBLOCK : 0), 0);
}

int descriptor_accept(int listener)
{
	return accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
}
