/* The account port on Linux: sysusers.d(5) makes them; shadow's tools remove them. */
#include "os/service/account.h"

#include <unistd.h>

#include "os/process/tool.h"
#include "os/process/tool_paths.h"
#include "os/service/install_paths.h"

enum { PATIENCE = 10000 };

int account_ensure(struct err *e)
{
	struct err cause = {""};
	char path[PATH_MAX];
	const char *const argv[] = {tool_path(TOOL_SYSUSERS), install_path(INSTALL_SYSUSERS, NULL, path),
				    NULL};

	if (access(path, R_OK) == -1)
		return err_errno(e, "%s; instead: run make install", path);
	if (tool_run(argv, NULL, PATIENCE, &cause) == 0)
		return 0;
	return err_set(
	    e, "%s; instead: useradd --system -U " ACCOUNT_DRIVER "; useradd --system -U " ACCOUNT_OPENVPN,
	    cause.text);
}

static int run_tool(enum tool tool, const char *first, const char *second, struct err *e)
{
	const char *const argv[] = {tool_path(tool), first, second, NULL};

	return tool_run(argv, NULL, PATIENCE, e);
}

/* Checked only after a refusal, so that an account that is not there is no failure. */
static int remove_one(enum tool tool, const char *database, const char *name, struct err *e)
{
	if (run_tool(tool, name, NULL, e) == 0)
		return 0;
	return run_tool(TOOL_GETENT, database, name, NULL) == 0 ? -1 : 0;
}

/* userdel takes the user's own group with it, where login.defs(5) says so. */
static int remove_account(const char *name, struct err *e)
{
	if (remove_one(TOOL_USERDEL, "passwd", name, e) == -1)
		return -1;
	return remove_one(TOOL_GROUPDEL, "group", name, e);
}

int account_remove(struct err *e)
{
	return remove_account(ACCOUNT_DRIVER, e) == -1 ? -1 : remove_account(ACCOUNT_OPENVPN, e);
}
