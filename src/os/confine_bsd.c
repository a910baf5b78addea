/* The confinement on macOS and the BSDs: identities without capabilities. */
#include "os/confine.h"

#include <sys/types.h>

#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "os/child.h"
#include "os/child_bsd.h"

int confine_prepare(const struct confine *confine, const char **lacks, struct err *e)
{
	(void)e;
	*lacks = confine->uid == 0
		     ? ""
		     : "there is no list of system calls and of files for openvpn on this system; one "
		       "that is taken over may do what its user may";
	return 0;
}

/* The list of groups begins with the effective one, so it holds that one, never none (setgroups(2)). */
static int become(const struct confine *confine)
{
	static const struct rlimit no_core = {0, 0};
	uid_t user = confine->uid;
	gid_t group = confine->gid;

	errno = ENOTSUP;
	if (user != 0 && child_bsd_needs_root)
		return -1;
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
	if (chdir(confine->folder) == -1 || become(confine) == -1) {
		dprintf(from[count - 1], "openvpn can't be confined: %s\n", strerror(errno));
		_exit(126);
	}
	child_exec(confine->binary, arguments, from, count, 0);
}
