/* Linux: what undoes the resolver's settings, and openvpn's options. */
#include "os/host/platform.h"

const char platform_dns_manual_command[] = "resolvectl revert tun0, or resolvconf -d tun0.portcullis";
const char platform_restart_command[] = "systemctl restart portcullis";

const bool platform_openvpn_begins_as_root = false;
const bool platform_relates_errors = true; /* by conntrack */

size_t platform_openvpn_device(const char *interface, const char **words)
{
	words[0] = "--dev";
	words[1] = interface;
	return 2;
}
