/* The device port on FreeBSD: ifconfig makes the device and sets it; its node belongs to openvpn's user. */
#include "os/device.h"

#include <sys/types.h>

#include <sys/socket.h>

#include <ifaddrs.h>
#include <netinet/in.h>
#include <string.h>

#include "os/netwatch.h"
#include "os/tool.h"
#include "os/tool_paths.h"
#include "os/tun_freebsd.h"
#include "os/tunnel_words.h"

/* What tells a device of ours from another's: the group of links that it is in. */
#define GROUP "portcullis"

enum { PATIENCE = 2000, LIST = 1024 };

bool device_is_gates(void)
{
	return true;
}

/* --- which are ours ----------------------------------------------------------------------- */

static int read_ours(char *list, struct err *e)
{
	const char *const argv[] = {tool_path(TOOL_IFCONFIG), "-g", GROUP, NULL};

	return tool_ask(argv, NULL, PATIENCE, list, LIST, e);
}

/* 1, 0, or -1 and `e`. */
static int is_ours(const char *name, struct err *e)
{
	char list[LIST], line[NET_NAME_SIZE + 1];
	const char *at = list, *word;

	if (read_ours(list, e) == -1)
		return -1;
	while (tunnel_words_next(&at, line, sizeof line, &word, 1) == 1)
		if (strcmp(word, name) == 0)
			return 1;
	return 0;
}

/* --- making ------------------------------------------------------------------------------- */

static int ifconfig(const char *name, const char *const *words, size_t count, struct err *e)
{
	const char *argv[TUNNEL_WORDS_MAX + 3] = {tool_path(TOOL_IFCONFIG), name};

	memcpy(argv + 2, words, count * sizeof *words);
	return tool_run(argv, NULL, PATIENCE, e);
}

static int run_lines(const char *name, const char *lines, struct err *e)
{
	const char *words[TUNNEL_WORDS_MAX];
	char line[160];
	size_t count;

	while ((count = tunnel_words_next(&lines, line, sizeof line, words, TUNNEL_WORDS_MAX)) > 0)
		if (ifconfig(name, words, count, e) == -1)
			return -1;
	return *lines == '\0' ? 0 : err_set(e, "%s: what it is to be set to can't be told", name);
}

int device_make(const char *name, uint32_t uid, uint32_t gid, struct err *e)
{
	if (netwatch_index(name) != 0 && device_delete(name, e) == -1)
		return -1;
	if (netwatch_index(name) != 0)
		return err_set(e, "%s exists and is not ours; instead: remove it, or name another interface",
			       name);
	if (run_lines(name, "create\n", e) == -1)
		return -1;
	if (run_lines(name, "group " GROUP "\n", e) == 0 && tun_give(name, uid, gid, e) == 0)
		return 0;
	(void)tun_destroy(name, NULL);
	return -1;
}

/* --- setting ------------------------------------------------------------------------------ */

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
			    err_set(e, "the server gives an address that %s has already", each->ifa_name);
	freeifaddrs(all);
	return result;
}

int device_set(const struct wire_tunnel *tunnel, struct err *e)
{
	char lines[512];
	int ours = is_ours(tunnel->name, e);

	if (ours != 1)
		return ours == -1 ? -1 : err_set(e, "%s is not the device that the gate made", tunnel->name);
	if (tunnel->mtu == 0)
		return err_set(e, "openvpn has not told the tunnel's MTU");
	if (check_twins(tunnel, e) == -1 || tunnel_words_device(tunnel, lines, sizeof lines, e) == -1)
		return -1;
	return run_lines(tunnel->name, lines, e);
}

/* --- removing ----------------------------------------------------------------------------- */

int device_delete(const char *name, struct err *e)
{
	int ours = is_ours(name, e);

	return ours == 1 ? tun_destroy(name, e) : ours;
}

int device_delete_all(struct err *e)
{
	char list[LIST], line[NET_NAME_SIZE + 1];
	const char *at = list, *word;
	int result = 0;

	if (read_ours(list, e) == -1)
		return -1;
	while (tunnel_words_next(&at, line, sizeof line, &word, 1) == 1)
		if (tun_destroy(word, e) == -1)
			result = -1;
	return result;
}
