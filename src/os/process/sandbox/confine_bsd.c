/* The confinement on macOS and the BSDs: identities without capabilities, then what
 * the system has of its own. */
#include "os/process/sandbox/confine.h"

#include <sys/types.h>

#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "os/process/child.h"
#include "os/process/sandbox/confine_bsd.h"

int confine_prepare(const struct confine *confine, const char **lacks, struct err *e)
{
	(void)e;
	*lacks = confine->uid == 0 ? "" : confine_bsd_lacks;
	return 0;
}

/* The list of groups begins with the effective one, so it holds that one, never none (setgroups(2)). */
static int become(const struct confine *confine)
{
	static const struct rlimit no_core = {0, 0};
	uid_t user = confine_bsd_begins_as(confine);
	gid_t group = confine->gid;

	if (setrlimit(RLIMIT_CORE, &no_core) == -1 || setgroups(1, &group) == -1 || setgid(group) == -1 ||
	    setuid(user) == -1)
		return -1;
	errno = EPERM;
	if (user != 0 && (setuid(0) == 0 || seteuid(0) == 0)) /* there must be no way back */
		return -1;
	return getuid() == user && geteuid() == user && getgid() == group && getegid() == group ? 0 : -1;
}

_Noreturn void confine_exec(const struct confine *confine, char *const arguments[], const int *from,
			    size_t count)
{
	struct err e = {""};

	if (chdir(confine->folder) == -1 || become(confine) == -1)
		err_errno(&e, "who it is to be");
	else if (confine_bsd_enter(confine, &e) == 0)
		child_exec(confine->binary, arguments, from, count, 0);
	dprintf(from[count - 1], "openvpn can't be confined: %s\n", e.text);
	_exit(126);
}
