/* The account port on FreeBSD: pw(8). */
#include "os/account.h"

#include <stdbool.h>

#include "os/tool.h"
#include "os/tool_paths.h"

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

int account_ensure(struct err *e)
{
	const char *const add_user[] = {tool_path(TOOL_PW),
					"useradd",
					"-n",
					ACCOUNT_USER,
					"-g",
					ACCOUNT_USER,
					"-c",
					"Portcullis driver",
					"-d",
					"/nonexistent",
					"-s",
					"/usr/sbin/nologin",
					"-w",
					"no",
					NULL};

	if (!has("groupshow", ACCOUNT_USER) && pw("groupadd", ACCOUNT_USER, e) == -1)
		return -1;
	if (!has("usershow", ACCOUNT_USER) && tool_run(add_user, NULL, PATIENCE, e) == -1)
		return -1;
	return has("groupshow", ACCOUNT_GROUP) ? 0 : pw("groupadd", ACCOUNT_GROUP, e);
}

/* Asked only after a refusal, so that what is not there is no failure. */
static int remove_one(const char *verb, const char *show, const char *name, struct err *e)
{
	return pw(verb, name, e) == 0 || !has(show, name) ? 0 : -1;
}

/* pw takes the user's own group with the user where nobody else is in it. */
int account_remove(struct err *e)
{
	if (remove_one("userdel", "usershow", ACCOUNT_USER, e) == -1 ||
	    remove_one("groupdel", "groupshow", ACCOUNT_USER, e) == -1)
		return -1;
	return remove_one("groupdel", "groupshow", ACCOUNT_GROUP, e);
}
