/* Where the tests' stand-ins for the system's tools are: in the folder that PORTCULLIS_STANDIN names. */
#include <stdio.h>
#include <stdlib.h>

#include "os/process/tool_paths.h"

static const char *const names[TOOL_COUNT] = {
    [TOOL_PFCTL] = "pfctl",
    [TOOL_IPFW] = "ipfw",
    [TOOL_KLDLOAD] = "kldload",
    [TOOL_IFCONFIG] = "ifconfig",
    [TOOL_ROUTE] = "route",
    [TOOL_SCUTIL] = "scutil",
    [TOOL_DSCACHEUTIL] = "dscacheutil",
    [TOOL_KILLALL] = "killall",
    [TOOL_SECURITY] = "security",
    [TOOL_LAUNCHCTL] = "launchctl",
    [TOOL_DSCL] = "dscl",
    [TOOL_NETWORKSETUP] = "networksetup",
    [TOOL_PLUTIL] = "plutil",
    [TOOL_PW] = "pw",
    [TOOL_SERVICE] = "service",
    [TOOL_SYSRC] = "sysrc",
    [TOOL_RESOLVCONF] = "resolvconf",
    [TOOL_SYSTEMCTL] = "systemctl",
    [TOOL_UPDATE_INITRAMFS] = "update-initramfs",
    [TOOL_SYSTEMD_RUN] = "systemd-run",
    [TOOL_SYSUSERS] = "systemd-sysusers",
    [TOOL_OPENSSL] = "openssl",
    [TOOL_GETENT] = "getent",
    [TOOL_USERDEL] = "userdel",
    [TOOL_GROUPDEL] = "groupdel",
};

const char *tool_path(enum tool tool)
{
	static char paths[TOOL_COUNT][512];
	const char *folder = getenv("PORTCULLIS_STANDIN");

	snprintf(paths[tool], sizeof paths[tool], "%s/%s", folder != NULL ? folder : "/nonexistent",
		 names[tool]);
	return paths[tool];
}
