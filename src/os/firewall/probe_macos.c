/* The probe on macOS: a socket bound to the link, as Apple's own services do (IP_BOUND_IF, <netinet/in.h>).
 */
#include "os/firewall/probe.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "os/process/descriptor.h"

enum { PORT = 9 };

int probe_bound(const char *link)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(PORT)};
	int index = (int)if_nametoindex(link), cause = 0;
	int fd = index == 0 ? -1 : descriptor_socket(AF_INET, SOCK_DGRAM, true);

	if (fd == -1)
		return ENODEV;
	(void)inet_pton(AF_INET, "192.0.2.1", &to.sin_addr);
	if (setsockopt(fd, IPPROTO_IP, IP_BOUND_IF, &index, sizeof index) == -1)
		cause = ENODEV;
	else if (sendto(fd, "", 0, 0, (const struct sockaddr *)&to, sizeof to) == -1)
		cause = errno;
	close(fd);
	return cause;
}
