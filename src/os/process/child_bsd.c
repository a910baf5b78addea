/* What the child port does alike on macOS and the BSDs: openvpn's words. */
#include "os/host/platform.h"
#include "os/process/child.h"

/* pf and ipfw can't relate an error to the hole's packets, so none comes in (row
 * 4), and nobody on the way may cut an IPv6 packet up (RFC 8200, section 5): at
 * most 1280 bytes with the 48 of both headers. IPv4's are cut up by routers. */
size_t child_openvpn_words(const char *interface, const struct net_endpoint *endpoint, const char *user,
			   const char **words)
{
	size_t count = platform_openvpn_words(interface, user, words);

	if (endpoint->address.family == NET_IPV6 && endpoint->proto == NET_UDP) {
		words[count++] = "--mssfix";
		words[count++] = "1232";
	}
	return count;
}
