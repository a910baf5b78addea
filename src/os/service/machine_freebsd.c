/* The machine port on FreeBSD: rc.d, if_tuntap, the services that are known to meddle. */
#include <sys/types.h>

#include "os/service/machine_fact.h"

#include <errno.h>
#include <string.h>
#include <sys/linker.h>
#include <sys/module.h>
#include <sys/stat.h>
#include <sys/sysctl.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/text.h"
#include "os/process/tool.h"
#include "os/process/tool_paths.h"

#define RC_D "/usr/local/etc/rc.d/"

const struct machine_other machine_others[] = {
    {"mpd5", false, MACHINE_FIGHTS, "is another VPN: what it sends is stopped", "service mpd5 stop"},
    {"charon", false, MACHINE_FIGHTS, "is IPsec (strongSwan): it takes packets away from the routes",
     "service strongswan stop"},
    {"tailscaled", false, MACHINE_FIGHTS,
     "sets routes and name servers; it does not connect while the gate is shut",
     "service tailscaled stop, or accept it"},
    {"openconnect", false, MACHINE_FIGHTS, "is another VPN: what it sends is stopped", "end it"},
    {"openvpn_enable", true, MACHINE_FIGHTS,
     "starts another openvpn: what it sends is stopped, unless it is in our group",
     "sysrc openvpn_enable=NO"},
    {"wireguard_enable", true, MACHINE_FIGHTS, "is another VPN (WireGuard): what it sends is stopped",
     "sysrc wireguard_enable=NO"},
    {.name = NULL},
};

const char *const machine_network_manager[] = {NULL};
const char *const machine_connections = NULL;
const char *const machine_asks = NULL;

int64_t machine_booted(void)
{
	struct timeval booted = {0};
	size_t length = sizeof booted;

	return sysctlbyname("kern.boottime", &booted, &length, NULL, 0) == 0 ? (int64_t)booted.tv_sec : 0;
}

void machine_initrd(struct machine_fact *fact)
{
	machine_set(fact, MACHINE_YES, "there is no initrd on this platform", "");
}

void machine_tun(struct machine_fact *fact)
{
	if (modfind("if_tuntap") != -1 || modfind("if_tun") != -1)
		machine_set(fact, MACHINE_YES, "the kernel has if_tuntap", "");
	else
		machine_set(fact, MACHINE_NO, "the kernel has no if_tuntap: openvpn can't create a tunnel",
			    "kldload if_tuntap, and if_tuntap_load=\"YES\" in /boot/loader.conf");
}

/* rc.conf's word for it, in all of its files. */
static bool is_enabled(const char *variable, int milliseconds)
{
	const char *const argv[] = {tool_path(TOOL_SYSRC), "-n", variable, NULL};
	char output[64];

	return tool_output(argv, NULL, milliseconds, output, sizeof output, NULL) == 0 &&
	       strncasecmp(output, "yes\n", 4) == 0;
}

static bool is_there(const char *path)
{
	struct stat status;

	return stat(path, &status) == 0 && S_ISREG(status.st_mode) && (status.st_mode & S_IXUSR) != 0;
}

void machine_boot(struct machine_fact *fact, int milliseconds)
{
	if (!is_there(RC_D "portcullis") || !is_there(RC_D "portcullis_lock"))
		machine_set(fact, MACHINE_NO,
			    "there is no lock before the network: " RC_D
			    "portcullis_lock or portcullis does not exist",
			    "install both; portcullisd(8) says how");
	else if (!is_enabled("portcullis_enable", milliseconds))
		machine_set(fact, MACHINE_NO,
			    "portcullis_enable is not YES in rc.conf: nothing locks at boot",
			    "sysrc portcullis_enable=YES");
	else
		machine_set(fact, MACHINE_YES, "rc locks before netif, and starts portcullisd", "");
}

int machine_units(bool *running, int milliseconds)
{
	for (size_t i = 0; machine_others[i].name != NULL; i++)
		running[i] = machine_others[i].unit && is_enabled(machine_others[i].name, milliseconds / 2);
	return 0;
}

/* resolvconf(8) is part of the system. */
enum machine_resolver machine_resolver(void)
{
	return access(tool_path(TOOL_RESOLVCONF), X_OK) == 0 ? MACHINE_RESOLVCONF : MACHINE_NO_RESOLVER;
}
