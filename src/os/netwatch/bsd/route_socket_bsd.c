/* The network port on macOS and the BSDs: the kernel's lists, and its socket. */
#include <errno.h>
#include <stdlib.h>
#include <sys/types.h>

#include <sys/socket.h>
#include <sys/sysctl.h>

#include <net/route.h>

#include "os/netwatch/bsd/route_socket.h"
#include "os/process/descriptor.h"

enum { SPARE = 4096, DUMP_TRIES = 8 };

int route_socket(void)
{
	return descriptor_socket(PF_ROUTE, SOCK_RAW, true);
}

/* The kernel says how much room it takes; that grows meanwhile. */
int route_dump(enum route_list list, struct route_buffer *buffer, struct err *e)
{
	static const int families[] = {
	    [ROUTE_LIST_LINKS] = AF_UNSPEC, [ROUTE_LIST_IPV4] = AF_INET, [ROUTE_LIST_IPV6] = AF_INET6};
	int name[] = {
	    CTL_NET, PF_ROUTE, 0, families[list], list == ROUTE_LIST_LINKS ? NET_RT_IFLIST : NET_RT_DUMP, 0};

	for (int i = 0; i < DUMP_TRIES; i++) {
		size_t length = 0;
		int cause;

		if (sysctl(name, 6, NULL, &length, NULL, 0) == -1)
			return err_errno(e, "reading links and routes");
		length += length / 4 + SPARE;
		if ((buffer->bytes = malloc(length)) == NULL)
			return err_errno(e, "reading links and routes");
		if (sysctl(name, 6, buffer->bytes, &length, NULL, 0) == 0) {
			buffer->length = length;
			return 0;
		}
		cause = errno;
		route_release(buffer);
		errno = cause;
		if (cause != ENOMEM)
			return err_errno(e, "reading links and routes");
	}
	return err_set(e, "the network changes faster than it can be read");
}

void route_release(struct route_buffer *buffer)
{
	free(buffer->bytes);
	*buffer = (struct route_buffer){NULL, 0};
}
