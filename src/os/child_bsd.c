/* What the child port does alike on macOS and the BSDs: identities without capabilities. */
#include <sys/types.h>

#include <errno.h>
#include <grp.h>
#include <sys/resource.h>
#include <unistd.h>

#include "os/child.h"
#include "os/child_bsd.h"

/* Here only root may set addresses and routes. The list of groups begins with
 * the effective one, so it holds that one, never none (setgroups(2)). */
int child_confine_openvpn(uint32_t uid, uint32_t gid)
{
	static const struct rlimit no_core = {0, 0};
	gid_t group = gid;

	if (uid != 0) {
		errno = ENOTSUP;
		return -1;
	}
	if (setrlimit(RLIMIT_CORE, &no_core) == -1 || setgroups(1, &group) == -1 || setgid(gid) == -1 ||
	    setuid(0) == -1)
		return -1;
	return getgid() == gid && getegid() == gid ? 0 : -1;
}

/* pf and ipfw can't relate an error to the hole's packets, so none comes in (row
 * 4), and nobody on the way may cut an IPv6 packet up (RFC 8200, section 5): at
 * most 1280 bytes with the 48 of both headers. IPv4's are cut up by routers. */
size_t child_openvpn_words(const char *interface, const struct net_endpoint *endpoint, bool redirect,
			   const char **words)
{
	size_t count = child_bsd_device(interface, words);

	words[count++] = "--script-security"; /* it runs ifconfig and route */
	words[count++] = "1";
	if (endpoint->address.family == NET_IPV6 && endpoint->proto == NET_UDP) {
		words[count++] = "--mssfix";
		words[count++] = "1232";
	}
	if (redirect) {
		words[count++] = "--redirect-gateway";
		words[count++] = "def1";
	}
	return count;
}
