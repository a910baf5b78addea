/* The service port on Linux: systemd's units, which `make install` has put where it finds them. */
#include "os/service/service.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/host/file.h"
#include "os/process/tool.h"
#include "os/process/tool_paths.h"
#include "os/service/install_paths.h"

#define LOCK "portcullis-lock.service"
#define DAEMON "portcullis.service"
#define UNCONFIRMED "portcullis-unconfirmed.service"
#define UNCONFIRMED_TIMER "portcullis-unconfirmed.timer"

enum {
	INITRD_PATIENCE = 600000,
	PATIENCE = 30000,
	ANSWER_SIZE = 64
}; /* ms; a stop waits for TimeoutStopSec */

const char service_show[] = "systemctl status " DAEMON;

static int systemctl(const char *verb, const char *first, const char *second, struct err *e)
{
	const char *const argv[] = {tool_path(TOOL_SYSTEMCTL), "--quiet", verb, first, second, NULL};

	return tool_run(argv, NULL, PATIENCE, e);
}

int service_check(struct err *e)
{
	char path[PATH_MAX];
	struct stat status;

	if (stat(install_path(INSTALL_SYSTEMD, NULL, path), &status) == 0 && S_ISDIR(status.st_mode))
		return 0;
	return err_set(e, "systemd does not run on this machine; instead: let your init run `portcullisd -L` "
			  "before the network starts, and keep `portcullisd -d` running");
}

bool service_is_installed(void)
{
	return systemctl("is-enabled", DAEMON, NULL, NULL) == 0;
}

/* Puts the lock into the initrds, or takes it out. Without a tool for that, the lock of the root file system
 * is the first. */
static int renew_initrds(struct err *e)
{
	const char *const argv[] = {tool_path(TOOL_UPDATE_INITRAMFS), "-u", "-k", "all", NULL};

	return access(argv[0], X_OK) == -1 ? 0 : tool_run(argv, NULL, INITRD_PATIENCE, e);
}

int service_install(struct err *e)
{
	char daemon[PATH_MAX];

	/* The lock waits for that file system, its device for udev, and udev for the lock. */
	if (!file_is_early(install_root(), install_path(INSTALL_PORTCULLISD, NULL, daemon)))
		return err_set(
		    e,
		    "%s is on a file system of its own: with the lock before udev the boot may hang; "
		    "instead: make install PREFIX=/usr, or install it on the file system of / or of /usr",
		    daemon);
	if (systemctl("daemon-reload", NULL, NULL, e) == -1 || systemctl("enable", LOCK, DAEMON, e) == -1)
		return -1;
	return renew_initrds(e);
}

/* systemd does not start a unit that failed too often until the failures are reset. */
int service_start(struct err *e)
{
	(void)systemctl("reset-failed", LOCK, DAEMON, NULL);
	return systemctl("start", LOCK, NULL, e) == -1 ? -1 : systemctl("restart", DAEMON, NULL, e);
}

/* A unit that systemd does not know can't run either. */
static bool is_known(void)
{
	const char *const argv[] = {
	    tool_path(TOOL_SYSTEMCTL), "show", "--property=LoadState", "--value", DAEMON, NULL};
	char answer[ANSWER_SIZE];

	return tool_output(argv, NULL, PATIENCE, answer, sizeof answer, NULL) == -1 ||
	       strcmp(answer, "not-found\n") != 0;
}

/* The lock's unit is never stopped: the network's own services require it, and systemd would stop them too.
 */
int service_stop(struct err *e)
{
	if (service_check(NULL) == -1)
		return 0;
	return systemctl("stop", DAEMON, NULL, e) == 0 || !is_known() ? 0 : -1;
}

/* An initrd may lock at the next boot: then a daemon must be there that honours root's off. */
static int keep_for_initrd(bool was_enabled, struct err *e)
{
	const char *what = "an initrd may keep the lock";

	if (was_enabled)
		what = systemctl("enable", LOCK, DAEMON, NULL) == 0
			   ? "an initrd may keep the lock, so the units stay enabled"
			   : "an initrd may keep the lock, and the units can't be enabled again";
	return err_prefix(e, "%s", what);
}

int service_remove(struct err *e)
{
	bool was_enabled = service_is_installed();

	if (systemctl("disable", DAEMON, LOCK, e) == -1 && is_known())
		return -1;
	return renew_initrds(e) == 0 ? 0 : keep_for_initrd(was_enabled, e);
}

/* The timer is of systemd alone, and counts its own time: setting the clock does not move it. It is gone
 * after a reboot; then the unit itself is started, because it is enabled. */
int service_arm(uint32_t seconds, struct err *e)
{
	static const char unit[] = "--unit=" UNCONFIRMED;
	char after[32];
	const char *const argv[] = {tool_path(TOOL_SYSTEMD_RUN),          "--quiet", unit, after,
				    "--timer-property=AccuracySec=100ms", NULL};

	if (access(argv[0], X_OK) == -1)
		return err_errno(e, "%s, which would take it back; instead: enable without --confirm",
				 argv[0]);
	if (seconds == 0)
		return 0;
	snprintf(after, sizeof after, "--on-active=%us", seconds);
	if (systemctl("enable", UNCONFIRMED, NULL, e) == -1)
		return -1;
	(void)systemctl("stop", UNCONFIRMED_TIMER, NULL, NULL);
	return tool_run(argv, NULL, PATIENCE, e);
}

int service_disarm(struct err *e)
{
	(void)systemctl("stop", UNCONFIRMED_TIMER, NULL, NULL);
	return systemctl("disable", UNCONFIRMED, NULL, e);
}
