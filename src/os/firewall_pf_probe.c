/* What really passes: a datagram to a documentation address, out of each link, as nobody. Refused
 * is right; it is told of only if it got out, and then nothing private did. */
#include <arpa/inet.h>
#include <errno.h>
#include <grp.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "os/firewall_pf_probe.h"

enum { NOBODY = 65533, PORT = 9 }; /* a number that no rule names; discard (RFC 863) */

#define GROUP_ADDRESS "233.252.0.1" /* documentation: RFC 6676 */

/* Multicast needs no route: the link decides alone. One hop at most. 0 or errno. */
static int multicast(unsigned index)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(PORT)};
	struct ip_mreqn link = {.imr_ifindex = (int)index};
	unsigned char one = 1, none = 0;
	int fd = socket(AF_INET, SOCK_DGRAM, 0), cause = 0;

	if (fd == -1)
		return ENODEV;
	(void)inet_pton(AF_INET, GROUP_ADDRESS, &to.sin_addr);
	if (setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &link, sizeof link) == -1 ||
	    setsockopt(fd, IPPROTO_IP, IP_MULTICAST_TTL, &one, sizeof one) == -1 ||
	    setsockopt(fd, IPPROTO_IP, IP_MULTICAST_LOOP, &none, sizeof none) == -1)
		cause = ENODEV;
	else if (sendto(fd, "", 0, 0, (const struct sockaddr *)&to, sizeof to) == -1)
		cause = errno;
	close(fd);
	return cause;
}

/* A link that is down, or has no address or no way, says nothing about the filter. */
static bool is_refusal(int cause)
{
	static const int others[] = {-1,     ENETDOWN,    EADDRNOTAVAIL, ENXIO,  ENODEV,
				     EINVAL, ENETUNREACH, EHOSTDOWN,     ENOBUFS};

	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
		if (cause == others[i])
			return false;
	return true;
}

enum pf_probed pf_probe(const struct situation *s, const char **link)
{
	enum pf_probed result = PF_PROBED_NOTHING;

	/* Root's datagrams, and openvpn's, may pass where nobody's may not. */
	if (setgroups(0, NULL) == -1 || setgid(NOBODY) == -1 || setuid(NOBODY) == -1)
		return result;
	for (size_t i = 0; i < s->link_count; i++) {
		unsigned index = if_nametoindex(s->links[i]);
		int group = index == 0 ? ENODEV : multicast(index);
		int host = index == 0 ? ENODEV : pf_probe_unicast(index);

		*link = s->links[i];
		if (group == 0 || host == 0)
			return PF_PROBED_OUT;
		if (is_refusal(group) || is_refusal(host))
			result = PF_PROBED_REFUSED;
	}
	return result;
}
