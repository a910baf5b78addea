/* The machine port on macOS: launchd's folder, utun, the programs that are known to meddle. */
#include "os/service/machine_fact.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/types.h>

#include <sys/sysctl.h>

#include "base/text.h"

#define DAEMONS "/Library/LaunchDaemons/"

const struct machine_other machine_others[] = {
    {"tunnelblickd", false, MACHINE_FIGHTS,
     "is Tunnelblick: it must not connect the same configuration as well, and its own kill switch turns the "
     "network off",
     "quit Tunnelblick, and set its configurations to Connect: Manually"},
    {"mullvad-daemon", false, MACHINE_FIGHTS, "is another VPN; its rules for pf conflict with ours",
     "quit it, and remove it from the Login Items"},
    {"nordvpnd", false, MACHINE_FIGHTS, "is another VPN", "quit it, and remove it from the Login Items"},
    {"expressvpnd", false, MACHINE_FIGHTS, "is another VPN; it has rules for pf",
     "quit it, and remove it from the Login Items"},
    {"pia-daemon", false, MACHINE_FIGHTS, "is another VPN; its rules for pf conflict with ours",
     "quit it, and remove it from the Login Items"},
    {"IVPN Agent", false, MACHINE_FIGHTS, "is another VPN; its rules for pf conflict with ours",
     "quit it, and remove it from the Login Items"},
    {"tailscaled", false, MACHINE_FIGHTS,
     "sets routes and name servers; it does not connect while the gate is shut", "quit it, or accept it"},
    {"openconnect", false, MACHINE_FIGHTS, "is another VPN: what it sends is stopped", "end it"},
    {"InternetSharing", false, MACHINE_FIGHTS, "replaces pf's main rules when it starts and ends",
     "System Settings, General, Sharing: turn Internet Sharing off"},
    {.name = NULL},
};

const char *const machine_network_manager[] = {NULL};
const char *const machine_connections = NULL;
const char *const machine_asks =
    "macOS queries captive.apple.com when it joins a network, and waits for the answer; the query is stopped "
    "while the gate is shut, so joining takes longer";

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
	machine_set(fact, MACHINE_YES, "utun is part of the kernel", "");
}

/* launchd takes only what nobody but root can have written. */
static bool is_there(const char *path)
{
	struct stat status;

	return lstat(path, &status) == 0 && S_ISREG(status.st_mode) && status.st_uid == 0 &&
	       (status.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

void machine_boot(struct machine_fact *fact, int milliseconds)
{
	(void)milliseconds;
	if (!is_there(DAEMONS "org.portcullis.lock.plist"))
		machine_set(fact, MACHINE_NO,
			    "there is no lock before the network: " DAEMONS
			    "org.portcullis.lock.plist does not exist, or does not belong to root alone",
			    "install it, root:wheel, mode 644");
	else if (!is_there(DAEMONS "org.portcullis.daemon.plist"))
		machine_set(fact, MACHINE_NO,
			    "nothing starts portcullisd: " DAEMONS
			    "org.portcullis.daemon.plist does not exist, or does not belong to root alone",
			    "install it, root:wheel, mode 644");
	else
		machine_set(fact, MACHINE_YES,
			    "launchd has both; this does not show whether one is disabled in launchd's own "
			    "database (launchctl print-disabled system)",
			    "");
}

int machine_units(bool *running, int milliseconds)
{
	(void)running, (void)milliseconds;
	return 0; /* none in the list */
}

enum machine_resolver machine_resolver(void)
{
	return MACHINE_SYSTEM;
}
