/* macOS: what takes back what the resolver was told, its ifconfig, and openvpn's options. */
#include "os/host/platform.h"

#include <string.h>

#include "os/dns/scutil_service.h"

const char platform_dns_by_hand[] = "echo remove " DNS_SCUTIL_SERVICE "/DNS | sudo scutil, or reboot";

/* A utun has two ends. */
const bool platform_device_has_ends = true;

/* --user: after its device, before CONNECTED. Its group is its own from before exec, for the hole is by it.
 */
size_t platform_openvpn_words(const char *interface, const char *user, const char **words)
{
	words[0] = "--dev";
	words[1] = "tun";
	words[2] = "--dev-node"; /* exactly this unit; it is an error if it is taken */
	words[3] = interface;
	words[4] = "--script-security";
	words[5] = "0";
	words[6] = "--ifconfig-noexec";
	words[7] = "--route-noexec";
	if (strcmp(user, "root") == 0)
		return 8;
	words[8] = "--user";
	words[9] = user;
	return 10;
}
