/* What the device ports of macOS and of FreeBSD share: addresses and MTU, set by ifconfig. */
#include "os/route/device_bsd.h"

#include <sys/types.h>

#include <sys/socket.h>

#include <ifaddrs.h>
#include <netinet/in.h>
#include <string.h>

#include "os/process/tool.h"
#include "os/process/tool_paths.h"
#include "os/route/tunnel_words.h"

enum { PATIENCE = 2000 };

static int ifconfig(const char *name, const char *const *words, size_t count, struct err *e)
{
	const char *argv[TUNNEL_WORDS_MAX + 3] = {tool_path(TOOL_IFCONFIG), name};

	memcpy(argv + 2, words, count * sizeof *words);
	return tool_run(argv, NULL, PATIENCE, e);
}

int device_bsd_configure(const char *name, const char *lines, struct err *e)
{
	const char *words[TUNNEL_WORDS_MAX];
	char line[160];
	size_t count;

	while ((count = tunnel_words_next(&lines, line, sizeof line, words, TUNNEL_WORDS_MAX)) > 0)
		if (ifconfig(name, words, count, e) == -1)
			return -1;
	return *lines == '\0' ? 0 : err_set(e, "%s: the settings can't be expressed", name);
}

static bool has(const struct sockaddr *found, const struct net_address *address)
{
	if (found == NULL)
		return false;
	if (found->sa_family == AF_INET && address->family == NET_IPV4)
		return memcmp(&((const struct sockaddr_in *)(const void *)found)->sin_addr, address->bytes,
			      4) == 0;
	if (found->sa_family == AF_INET6 && address->family == NET_IPV6)
		return memcmp(&((const struct sockaddr_in6 *)(const void *)found)->sin6_addr, address->bytes,
			      16) == 0;
	return false;
}

/* Row 2 of the promise would silence the other link, and with it openvpn. */
static int check_twins(const struct wire_tunnel *tunnel, struct err *e)
{
	struct ifaddrs *all, *each;
	int result = 0;

	if (getifaddrs(&all) == -1)
		return err_errno(e, "addresses can't be read");
	for (each = all; each != NULL && result == 0; each = each->ifa_next)
		if (strcmp(each->ifa_name, tunnel->name) != 0 &&
		    (has(each->ifa_addr, &tunnel->address4) || has(each->ifa_addr, &tunnel->address6)))
			result =
			    err_set(e, "the server pushed an address that %s already has", each->ifa_name);
	freeifaddrs(all);
	return result;
}

int device_bsd_set(const struct wire_tunnel *tunnel, struct err *e)
{
	char lines[512];

	if (tunnel->mtu == 0)
		return err_set(e, "openvpn has not reported the tunnel's MTU");
	if (check_twins(tunnel, e) == -1 || tunnel_words_device(tunnel, lines, sizeof lines, e) == -1)
		return -1;
	return device_bsd_configure(tunnel->name, lines, e);
}
