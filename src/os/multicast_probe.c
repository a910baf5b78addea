/* A datagram to a documentation group, out of one link. */
#include "os/multicast_probe.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "os/descriptor.h"

enum { PORT = 9 }; /* discard, RFC 863 */

bool multicast_gets_out(const char *link)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(PORT)};
	struct ip_mreqn out = {.imr_ifindex = (int)if_nametoindex(link)};
	unsigned char one = 1, none = 0;
	int fd = out.imr_ifindex == 0 ? -1 : descriptor_socket(AF_INET, SOCK_DGRAM, true);
	bool sent;

	if (fd == -1)
		return false;
	(void)inet_pton(AF_INET, "233.252.0.1", &to.sin_addr);
	sent = setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &out, sizeof out) == 0 &&
	       setsockopt(fd, IPPROTO_IP, IP_MULTICAST_TTL, &one, sizeof one) == 0 &&
	       setsockopt(fd, IPPROTO_IP, IP_MULTICAST_LOOP, &none, sizeof none) == 0 &&
	       sendto(fd, "", 0, 0, (const struct sockaddr *)&to, sizeof to) == 0;
	close(fd);
	return sent;
}
