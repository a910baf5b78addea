/* What really passes: a datagram to a documentation address, out of each link, as nobody. Refused
 * is right; it is told of only if it got out, and then nothing private did. */
#include <arpa/inet.h>
#include <grp.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/text.h"
#include "os/firewall_pf_probe.h"

enum { NOBODY = 65533, PORT = 9 }; /* a number that no rule names; discard (RFC 863) */

#define GROUP_ADDRESS "233.252.0.1" /* documentation: RFC 6676 */

/* Multicast needs no route: the link decides alone. One hop at most. */
static bool multicast_got_out(unsigned index)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(PORT)};
	struct ip_mreqn link = {.imr_ifindex = (int)index};
	unsigned char one = 1, none = 0;
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	bool sent;

	if (fd == -1)
		return false;
	(void)inet_pton(AF_INET, GROUP_ADDRESS, &to.sin_addr);
	sent = setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &link, sizeof link) == 0 &&
	       setsockopt(fd, IPPROTO_IP, IP_MULTICAST_TTL, &one, sizeof one) == 0 &&
	       setsockopt(fd, IPPROTO_IP, IP_MULTICAST_LOOP, &none, sizeof none) == 0 &&
	       sendto(fd, "", 0, 0, (const struct sockaddr *)&to, sizeof to) == 0;
	close(fd);
	return sent;
}

const char *pf_probe(const struct situation *s)
{
	/* Root's datagrams, and openvpn's, may pass where nobody's may not. */
	if (setgroups(0, NULL) == -1 || setgid(NOBODY) == -1 || setuid(NOBODY) == -1)
		return NULL;
	for (size_t i = 0; i < s->link_count; i++) {
		unsigned index = if_nametoindex(s->links[i]);

		if (index != 0 && (multicast_got_out(index) || pf_probe_unicast(index)))
			return s->links[i];
	}
	return NULL;
}
