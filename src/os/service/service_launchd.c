/* The service port on macOS: two jobs of launchd, and the rules that the first one loads. */
#include "os/host/clock.h"
#include "os/service/service.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/host/file.h"
#include "os/process/tool.h"
#include "os/process/tool_paths.h"
#include "os/service/install_paths.h"
#include "os/service/pf_boot_lock.h"

/* The lock runs at boot only: until then `portcullisd -L` does it better, for it reads back. */
#define LOCK "org.portcullis.lock"
#define DAEMON "org.portcullis.daemon"

enum {
	PATIENCE = 10000, /* ms for one call */
	LEAVING = 30000,  /* ms for a job to leave; longer than its ExitTimeOut */
	LOOK_PAUSE = 100,
	PLIST_SIZE = 16 * 1024
};

const char service_show[] = "launchctl print system/" DAEMON;

static int launchctl(const char *verb, const char *first, const char *second, struct err *e)
{
	const char *const argv[] = {tool_path(TOOL_LAUNCHCTL), verb, first, second, NULL};

	return tool_run(argv, NULL, PATIENCE, e);
}

/* They name what launchd runs as root at every boot: copied only if nobody else can change them. */
int service_check(struct err *e)
{
	static const char *const names[] = {LOCK ".plist", DAEMON ".plist"};
	char path[PATH_MAX];

	for (size_t i = 0; i < 2; i++) {
		if (access(install_path(INSTALL_SHARE, names[i], path), R_OK) == -1)
			return err_errno(e, "%s; instead: run make install", path);
		if (file_is_trusted(install_root(), path, e) == -1)
			return -1;
	}
	return 0;
}

bool service_is_installed(void)
{
	char path[PATH_MAX];

	return access(install_path(INSTALL_LAUNCHD, DAEMON ".plist", path), F_OK) == 0;
}

static int install_plist(const char *name, struct err *e)
{
	static char text[PLIST_SIZE];
	char from[PATH_MAX], to[PATH_MAX];

	install_path(INSTALL_SHARE, name, from);
	install_path(INSTALL_LAUNCHD, name, to);
	if (file_load(from, text, sizeof text) == -1)
		return err_errno(e, "%s", from);
	if (file_folder_of(to, 0755, e) == -1)
		return -1;
	if (file_save(to, text, true) == -1 || chmod(to, 0644) == -1)
		return err_errno(e, "%s", to);
	return 0;
}

/* What the lock loads stands before the lock; the lock before the daemon. */
int service_install(struct err *e)
{
	if (pf_boot_lock_write(e) == -1 || install_plist(LOCK ".plist", e) == -1)
		return -1;
	return install_plist(DAEMON ".plist", e);
}

static bool is_loaded(const char *target)
{
	return launchctl("print", target, NULL, NULL) == 0;
}

/* bootout may return before the job has exited, and a job that has not exited can't be loaded anew. bootout
 * is refused for a job that was not loaded; that is no failure. */
static int unload(const char *target, struct err *e)
{
	int64_t deadline = clock_steady_ms() + LEAVING;
	struct err cause = {""};
	bool refused = launchctl("bootout", target, NULL, &cause) == -1;

	while (is_loaded(target)) {
		if (refused || clock_steady_ms() >= deadline)
			return err_set(e, "launchd does not unload %s%s%s", target, refused ? ": " : "",
				       cause.text);
		poll(NULL, 0, LOOK_PAUSE);
	}
	/* Not loaded, or does launchctl not answer at all? */
	return refused ? launchctl("print", "system", NULL, e) : 0;
}

/* enable: undoes `launchctl disable`, which outlives everything else. */
int service_start(struct err *e)
{
	char path[PATH_MAX];

	install_path(INSTALL_LAUNCHD, DAEMON ".plist", path);
	if (launchctl("enable", "system/" LOCK, NULL, e) == -1 ||
	    launchctl("enable", "system/" DAEMON, NULL, e) == -1 || unload("system/" DAEMON, e) == -1)
		return -1;
	return launchctl("bootstrap", "system", path, e);
}

int service_stop(struct err *e)
{
	return unload("system/" DAEMON, e) == -1 ? -1 : unload("system/" LOCK, e);
}

static int remove_file(const char *name, struct err *e)
{
	char path[PATH_MAX];

	if (unlink(install_path(INSTALL_LAUNCHD, name, path)) == -1 && errno != ENOENT && errno != ENOTDIR)
		return err_errno(e, "%s", path);
	return 0;
}

/* The other way round: a lock whose rules are gone would load nothing. */
int service_remove(struct err *e)
{
	if (remove_file(DAEMON ".plist", e) == -1 || remove_file(LOCK ".plist", e) == -1)
		return -1;
	return pf_boot_lock_remove(e);
}

/* Nothing here keeps a timer beyond the process that set it, and over a reboot. */
int service_arm(uint32_t seconds, struct err *e)
{
	(void)seconds;
	return err_set(e,
		       "this system's service manager can't take it back by itself; instead: enable without "
		       "--confirm, at the machine's own console");
}

int service_disarm(struct err *e)
{
	(void)e;
	return 0;
}
