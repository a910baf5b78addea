/* Where the system's own tools are: absolute paths, compiled in. */
#ifndef OS_PROCESS_TOOL_PATHS_H
#define OS_PROCESS_TOOL_PATHS_H

enum tool {
	TOOL_PFCTL,
	TOOL_IPFW,
	TOOL_KLDLOAD,
	TOOL_IFCONFIG,
	TOOL_ROUTE,
	TOOL_SCUTIL,
	TOOL_DSCACHEUTIL,
	TOOL_KILLALL,
	TOOL_SECURITY,
	TOOL_LAUNCHCTL,
	TOOL_DSCL,
	TOOL_NETWORKSETUP,
	TOOL_PLUTIL,
	TOOL_PW,
	TOOL_SERVICE,
	TOOL_SYSRC,
	TOOL_RESOLVCONF,
	TOOL_SYSTEMCTL,
	TOOL_SYSTEMD_RUN,
	TOOL_SYSUSERS,
	TOOL_UPDATE_INITRAMFS,
	TOOL_OPENSSL,
	TOOL_GETENT,
	TOOL_USERDEL,
	TOOL_GROUPDEL,
	TOOL_COUNT
};

/* Never NULL; the file need not be there. The tests' twin answers with
 * stand-ins that record how they are called. */
const char *tool_path(enum tool tool);

#endif
