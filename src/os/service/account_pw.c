/* The account port on FreeBSD: pw(8). */
#include "os/service/account.h"

#include <stdbool.h>

#include "os/process/tool.h"
#include "os/process/tool_paths.h"

enum { PATIENCE = 10000 };

static int pw(const char *verb, const char *name, struct err *e)
{
	const char *const argv[] = {tool_path(TOOL_PW), verb, "-n", name, NULL};

	return tool_run(argv, NULL, PATIENCE, e);
}

static bool has(const char *show, const char *name)
{
	return pw(show, name, NULL) == 0;
}

static int ensure_one(const char *name, const char *about, struct err *e)
{
	const char *const add_user[] = {
	    tool_path(TOOL_PW),  "useradd", "-n", name, "-g", name, "-c", about, "-d", "/nonexistent", "-s",
	    "/usr/sbin/nologin", "-w",      "no", NULL};

	if (!has("groupshow", name) && pw("groupadd", name, e) == -1)
		return -1;
	return has("usershow", name) ? 0 : tool_run(add_user, NULL, PATIENCE, e);
}

int account_ensure(struct err *e)
{
	if (ensure_one(ACCOUNT_DRIVER, "Portcullis driver", e) == -1)
		return -1;
	return ensure_one(ACCOUNT_OPENVPN, "OpenVPN behind Portcullis", e);
}

/* Checked only after a refusal, so that an account that is not there is no failure. */
static int remove_one(const char *verb, const char *show, const char *name, struct err *e)
{
	return pw(verb, name, e) == 0 || !has(show, name) ? 0 : -1;
}

/* pw takes the user's own group with the user where nobody else is in it. */
static int remove_account(const char *name, struct err *e)
{
	if (remove_one("userdel", "usershow", name, e) == -1)
		return -1;
	return remove_one("groupdel", "groupshow", name, e);
}

int account_remove(struct err *e)
{
	return remove_account(ACCOUNT_DRIVER, e) == -1 ? -1 : remove_account(ACCOUNT_OPENVPN, e);
}
