/* Where the system's own tools are, by their manual pages. */
#include "os/process/tool_paths.h"

static const char *const paths[TOOL_COUNT] = {
    [TOOL_PFCTL] = "/sbin/pfctl",
    [TOOL_IPFW] = "/sbin/ipfw",
    [TOOL_KLDLOAD] = "/sbin/kldload",
    [TOOL_IFCONFIG] = "/sbin/ifconfig",
    [TOOL_ROUTE] = "/sbin/route",
    [TOOL_SCUTIL] = "/usr/sbin/scutil",
    [TOOL_DSCACHEUTIL] = "/usr/bin/dscacheutil",
    [TOOL_KILLALL] = "/usr/bin/killall",
    [TOOL_SECURITY] = "/usr/bin/security",
    [TOOL_LAUNCHCTL] = "/bin/launchctl",
    [TOOL_DSCL] = "/usr/bin/dscl",
    [TOOL_NETWORKSETUP] = "/usr/sbin/networksetup",
    [TOOL_PLUTIL] = "/usr/bin/plutil",
    [TOOL_PW] = "/usr/sbin/pw",
    [TOOL_SERVICE] = "/usr/sbin/service",
    [TOOL_SYSRC] = "/usr/sbin/sysrc",
    [TOOL_RESOLVCONF] = "/sbin/resolvconf",
    [TOOL_UPDATE_INITRAMFS] = "/usr/sbin/update-initramfs",
    [TOOL_SYSTEMCTL] = "/usr/bin/systemctl",
    [TOOL_SYSTEMD_RUN] = "/usr/bin/systemd-run",
    [TOOL_SYSUSERS] = "/usr/bin/systemd-sysusers",
    [TOOL_OPENSSL] = "/usr/bin/openssl",
    [TOOL_GETENT] = "/usr/bin/getent",
    [TOOL_USERDEL] = "/usr/sbin/userdel",
    [TOOL_GROUPDEL] = "/usr/sbin/groupdel",
};

const char *tool_path(enum tool tool)
{
	return paths[tool];
}
