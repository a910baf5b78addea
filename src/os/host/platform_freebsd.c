/* FreeBSD: what undoes the resolver's settings, its ifconfig, and openvpn's options. */
#include "os/host/platform.h"

const char platform_dns_manual_command[] = "resolvconf -f -d " PORTCULLIS_INTERFACE ".portcullis";
const char platform_restart_command[] = "service portcullis restart";

/* An address has its subnet. */
const bool platform_device_has_ends = false;

const bool platform_openvpn_begins_as_root = false;
const bool platform_relates_errors = false;

size_t platform_openvpn_device(const char *interface, const char **words)
{
	words[0] = "--dev";
	words[1] = interface;
	return 2;
}
