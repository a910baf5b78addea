/* The probe on macOS: a socket bound to the link, as Apple's own services do (IP_BOUND_IF, <netinet/in.h>).
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "os/firewall_pf_probe.h"

enum { PORT = 9 };

#define HOST_ADDRESS "192.0.2.1" /* documentation: RFC 5737 */

int pf_probe_unicast(unsigned index)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(PORT)};
	int fd = socket(AF_INET, SOCK_DGRAM, 0), link = (int)index, cause = 0;

	if (fd == -1)
		return -1;
	(void)inet_pton(AF_INET, HOST_ADDRESS, &to.sin_addr);
	if (setsockopt(fd, IPPROTO_IP, IP_BOUND_IF, &link, sizeof link) == -1)
		cause = -1;
	else if (sendto(fd, "", 0, 0, (const struct sockaddr *)&to, sizeof to) == -1)
		cause = errno;
	close(fd);
	return cause;
}
