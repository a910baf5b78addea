/* The probe: refused is right; it is reported only if it got out, and then nothing private did. */
#include "os/firewall/probe.h"

#include <arpa/inet.h>
#include <errno.h>
#include <grp.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "os/process/descriptor.h"

enum { NOBODY = 65533, PORT = 9 }; /* a number that no rule names; discard (RFC 863) */

/* Multicast needs no route: the link and the filter alone decide. 0 or errno. */
static int send_to_group(const char *link)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(PORT)};
	struct ip_mreqn out = {.imr_ifindex = (int)if_nametoindex(link)};
	unsigned char one = 1, none = 0;
	int fd = out.imr_ifindex == 0 ? -1 : descriptor_socket(AF_INET, SOCK_DGRAM, true), cause = 0;

	if (fd == -1)
		return ENODEV;
	(void)inet_pton(AF_INET, "233.252.0.1", &to.sin_addr);
	if (setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &out, sizeof out) == -1 ||
	    setsockopt(fd, IPPROTO_IP, IP_MULTICAST_TTL, &one, sizeof one) == -1 ||
	    setsockopt(fd, IPPROTO_IP, IP_MULTICAST_LOOP, &none, sizeof none) == -1)
		cause = ENODEV;
	else if (sendto(fd, "", 0, 0, (const struct sockaddr *)&to, sizeof to) == -1)
		cause = errno;
	close(fd);
	return cause;
}

/* The same of IPv6, whose hook in the kernel is another one. Whoever receives a group of documentation (RFC
 * 6676) learns nothing. */
static int send_to_group6(const char *link)
{
	struct sockaddr_in6 to = {.sin6_family = AF_INET6, .sin6_port = htons(PORT)};
	unsigned index = if_nametoindex(link);
	int fd = index == 0 ? -1 : descriptor_socket(AF_INET6, SOCK_DGRAM, true), cause = 0;
	unsigned off = 0;
	int hops = 1;

	if (fd == -1)
		return ENODEV;
	(void)inet_pton(AF_INET6, "ff0e::db8:0:1", &to.sin6_addr);
	if (setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, &index, sizeof index) == -1 ||
	    setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, &hops, sizeof hops) == -1 ||
	    setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, &off, sizeof off) == -1)
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

enum probed probe_link(const char *link)
{
	int group = send_to_group(link), host = probe_bound(link);

	/* IPv6 may not get out just because there is no address, so that does not count as a refusal. */
	if (group == 0 || host == 0 || send_to_group6(link) == 0)
		return PROBED_OUT;
	return is_refusal(group) || is_refusal(host) ? PROBED_REFUSED : PROBED_NOTHING;
}

enum probed probe_as_nobody(const struct situation *s, const char **link)
{
	enum probed result = PROBED_NOTHING;

	if (setgroups(0, NULL) == -1 || setgid(NOBODY) == -1 || setuid(NOBODY) == -1)
		return result;
	for (size_t i = 0; i < s->link_count; i++) {
		enum probed probed = probe_link(s->links[i]);

		*link = s->links[i];
		if (probed == PROBED_OUT)
			return probed;
		if (probed == PROBED_REFUSED)
			result = probed;
	}
	return result;
}
