/* Puts openvpn's options for this platform together. */
#include "os/process/openvpn_words.h"

#include <string.h>

#include "os/host/platform.h"

size_t openvpn_words(const char *interface, const struct net_endpoint *endpoint, const char *user,
		     const char **words)
{
	static const char *const nothing[] = {"--script-security", "0", "--ifconfig-noexec",
					      "--route-noexec"};
	size_t count = platform_openvpn_device(interface, words);

	memcpy(words + count, nothing, sizeof nothing);
	count += sizeof nothing / sizeof *nothing;
	if (platform_openvpn_begins_as_root && strcmp(user, "root") != 0) {
		words[count++] = "--user"; /* after its device, before CONNECTED */
		words[count++] = user;
	}
	/* Nobody on the way may cut an IPv6 packet up (RFC 8200, section 5): at most 1280 bytes with the 48
	 * of both headers. IPv4's are cut up by routers. */
	if (!platform_relates_errors && endpoint->address.family == NET_IPV6 && endpoint->proto == NET_UDP) {
		words[count++] = "--mssfix";
		words[count++] = "1232";
	}
	return count;
}
