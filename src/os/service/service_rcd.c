/* The service port on FreeBSD: rc.d scripts, which `make install` has put where rc(8) finds them. */
#include "os/service/service.h"

#include <string.h>
#include <unistd.h>

#include "os/host/file.h"
#include "os/process/tool.h"
#include "os/process/tool_paths.h"
#include "os/service/install_paths.h"

enum { PATIENCE = 30000, ANSWER_SIZE = 64 };

const char service_show[] = "service portcullis status";

static int sysrc(const char *first, const char *second, struct err *e)
{
	const char *const argv[] = {tool_path(TOOL_SYSRC), first, second, NULL};

	return tool_run(argv, NULL, PATIENCE, e);
}

static int service(const char *name, const char *verb, struct err *e)
{
	const char *const argv[] = {tool_path(TOOL_SERVICE), name, verb, NULL};

	return tool_run(argv, NULL, PATIENCE, e);
}

static bool has_script(void)
{
	char path[PATH_MAX];

	return access(install_path(INSTALL_RC, "portcullis", path), X_OK) == 0;
}

int service_check(struct err *e)
{
	char path[PATH_MAX];

	return has_script() ? 0
			    : err_set(e, "%s does not exist; instead: run make install",
				      install_path(INSTALL_RC, "portcullis", path));
}

bool service_is_installed(void)
{
	const char *const argv[] = {tool_path(TOOL_SYSRC), "-n", "portcullis_enable", NULL};
	char answer[ANSWER_SIZE];

	return tool_output(argv, NULL, PATIENCE, answer, sizeof answer, NULL) == 0 &&
	       strcmp(answer, "YES\n") == 0;
}

/* The files first that the lock at boot loads without us; the script has the
 * firewall's own tool read them. One variable is for all three scripts. */
int service_install(struct err *e)
{
	if (service("portcullis_lock", "oneprepare", e) == -1)
		return -1;
	return sysrc("portcullis_enable=YES", NULL, e);
}

int service_start(struct err *e)
{
	return service("portcullis", "restart", e);
}

/* one...: also where rc.conf(5) does not want it any more. What does not run can't be stopped. */
int service_stop(struct err *e)
{
	if (!has_script() || service("portcullis", "onestop", e) == 0)
		return 0;
	return service("portcullis", "onestatus", NULL) == -1 ? 0 : -1;
}

/* -i: it is no error if the variable is not there. The rest of rc.conf(5) is its owner's. */
int service_remove(struct err *e)
{
	char path[PATH_MAX];

	if (sysrc("-ix", "portcullis_enable", e) == -1)
		return -1;
	return file_remove_folder(install_path(INSTALL_CONFIG, "lock", path), e);
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
