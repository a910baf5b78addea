/* macOS: what undoes the resolver's settings, its ifconfig, and openvpn's options. */
#include "os/host/platform.h"

#include "os/dns/scutil_service.h"

const char platform_dns_manual_command[] = "echo remove " DNS_SCUTIL_SERVICE "/DNS | sudo scutil, or reboot";
const char platform_restart_command[] = "launchctl kickstart -k system/org.portcullis.daemon";

/* A utun has two ends. */
const bool platform_device_has_ends = true;

/* Its group is its own from before exec, for the hole is by it. */
const bool platform_openvpn_begins_as_root = true;
const bool platform_relates_errors = false;

size_t platform_openvpn_device(const char *interface, const char **words)
{
	words[0] = "--dev";
	words[1] = "tun";
	words[2] = "--dev-node"; /* exactly this unit; it is an error if it is taken */
	words[3] = interface;
	return 4;
}
