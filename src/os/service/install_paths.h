/* Where `make install` puts things, and where the system looks for services. */
#ifndef OS_SERVICE_INSTALL_PATHS_H
#define OS_SERVICE_INSTALL_PATHS_H

#include <limits.h>

enum install_path {
	INSTALL_PORTCULLISD,
	INSTALL_CONFIG,   /* the folder of portcullis.conf; what is written at enable lies there too */
	INSTALL_PROFILES, /* where import puts profiles */
	INSTALL_STATE,    /* what must outlive a reboot */
	INSTALL_LOG,
	INSTALL_RUN,      /* sockets, until the next boot */
	INSTALL_SHARE,    /* service files that `enable` copies to where they count */
	INSTALL_SYSUSERS, /* Linux: our users and groups, as sysusers.d(5) */
	INSTALL_RC,       /* FreeBSD: our rc.d scripts */
	INSTALL_LAUNCHD,  /* macOS: what launchd reads at boot */
	INSTALL_PF_CONF,  /* macOS: the system's own main rules of pf */
	INSTALL_SYSTEMD,  /* Linux: there while systemd is the machine's init, sd_booted(3) */
	INSTALL_PATHS
};

/* The absolute path of `which`, and of `name` in it (NULL: of itself), in `to`.
 * Returns `to`. The file need not be there. */
const char *install_path(enum install_path which, const char *name, char to[PATH_MAX]);

/* What stands before all of them: "". The tests' twin answers with a folder of
 * the test's own. */
const char *install_root(void);

#endif
