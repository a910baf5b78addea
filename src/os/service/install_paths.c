/* Where `make install` puts things, and where the system looks for services. */
#include "os/service/install_paths.h"

#include <stdio.h>

static const char *const paths[INSTALL_PATHS] = {
    [INSTALL_PORTCULLISD] = PORTCULLIS_PREFIX "/sbin/portcullisd",
    [INSTALL_CONFIG] = PORTCULLIS_SYSCONFDIR "/portcullis",
    [INSTALL_PROFILES] = PORTCULLIS_SYSCONFDIR "/portcullis/profiles",
    [INSTALL_STATE] = PORTCULLIS_STATEDIR "/portcullis",
    [INSTALL_LOG] = "/var/log/portcullis",
    [INSTALL_RUN] = PORTCULLIS_RUNDIR "/portcullis",
    [INSTALL_SHARE] = PORTCULLIS_PREFIX "/share/portcullis",
    [INSTALL_SYSUSERS] = PORTCULLIS_PREFIX "/lib/sysusers.d/portcullis.conf",
    [INSTALL_RC] = PORTCULLIS_PREFIX "/etc/rc.d",
    [INSTALL_LAUNCHD] = "/Library/LaunchDaemons",
    [INSTALL_PF_CONF] = "/etc/pf.conf",
    [INSTALL_SYSTEMD] = "/run/systemd/system",
};

const char *install_path(enum install_path which, const char *name, char to[PATH_MAX])
{
	snprintf(to, PATH_MAX, "%s%s%s%s", install_root(), paths[which], name != NULL ? "/" : "",
		 name != NULL ? name : "");
	return to;
}
