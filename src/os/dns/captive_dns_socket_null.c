/* No captive DNS: the platform looks up no name before it has a network. */
#include "os/dns/captive_dns_socket.h"

#include <fcntl.h>

int captive_dns_socket_open(uint16_t *port, struct err *e)
{
	(void)e;
	*port = 0;
	return open("/dev/null", O_RDWR | O_CLOEXEC);
}
