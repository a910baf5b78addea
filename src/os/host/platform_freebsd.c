/* FreeBSD: what takes back what the resolver was told, its ifconfig, and openvpn's options. */
#include "os/host/platform.h"

const char platform_dns_by_hand[] = "resolvconf -f -d " PORTCULLIS_INTERFACE ".portcullis";

/* An address has its subnet. */
const bool platform_device_has_ends = false;

/* openvpn is its own user from before exec. */
size_t platform_openvpn_words(const char *interface, const char *user, const char **words)
{
	(void)user;
	words[0] = "--dev";
	words[1] = interface;
	words[2] = "--script-security";
	words[3] = "0";
	words[4] = "--ifconfig-noexec";
	words[5] = "--route-noexec";
	return 6;
}
