/* The socket of captive DNS, on the loopback. */
#include "os/dns/captive_dns_socket.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "os/process/descriptor.h"

static int loopback(uint16_t *port)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof address;
	int fd = descriptor_socket(AF_INET, SOCK_DGRAM, true);

	if (fd == -1)
		return -1;
	if (bind(fd, (struct sockaddr *)&address, sizeof address) == -1 ||
	    getsockname(fd, (struct sockaddr *)&address, &length) == -1) {
		close(fd);
		return -1;
	}
	*port = ntohs(address.sin_port);
	return fd;
}

int captive_dns_socket_open(uint16_t *port, struct err *e)
{
	int fd = loopback(port);

	if (fd != -1)
		return fd;
	err_errno(e, "there is no captive DNS: 127.0.0.1");
	*port = 0;
	return open("/dev/null", O_RDWR | O_CLOEXEC);
}
