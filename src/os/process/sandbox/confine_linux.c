/* The confinement on Linux: limits, identities, capabilities, in the order in which each is still possible.
 */
#include "os/process/sandbox/confine_linux.h"
#include "os/process/sandbox/confine.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "os/process/child.h"

enum { CAPABILITY_LAST = 63, DESCRIPTORS = 64 };

int confine_prepare(const struct confine *confine, const char **lacks, struct err *e)
{
	int abi;

	*lacks = "";
	if (confine->uid == 0)
		return 0;
	if ((abi = confine_files_abi()) == -1)
		return err_errno(e, "the kernel's Landlock can't be queried; instead: allow the service the "
				    "system calls landlock_*");
	if (abi == 0)
		*lacks = "the kernel has no Landlock: an openvpn that has been taken over can read what "
			 "every user can";
	return confine_calls_build(e);
}

static int limit(int resource, rlim_t value)
{
	const struct rlimit both = {value, value};

	return setrlimit(resource, &both);
}

/* Nothing on a disk grows; standard output is a pipe. */
static int set_limits(const struct confine *confine)
{
	if (limit(RLIMIT_CORE, 0) == -1)
		return -1;
	if (confine->uid == 0)
		return 0;
	return limit(RLIMIT_FSIZE, 0) == -1 ? -1 : limit(RLIMIT_NOFILE, DESCRIPTORS);
}

/* None that could come back by executing something. */
static int empty_bounding_set(void)
{
	for (int capability = 0; capability <= CAPABILITY_LAST; capability++) {
		if (prctl(PR_CAPBSET_READ, capability, 0, 0, 0) == 1 &&
		    prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == -1)
			return -1;
	}
	return prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
}

static int give_up_capabilities(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[2] = {{0}}, left[2];

	if (syscall(SYS_capset, &header, none) == -1 || syscall(SYS_capget, &header, left) == -1)
		return -1;
	errno = EPERM;
	return memcmp(none, left, sizeof none) == 0 ? 0 : -1;
}

/* A change that could be undone counts as a failure. A change of user makes the kernel forget that we end
 * with our parent. */
static int become(const struct confine *confine)
{
	uid_t uid = confine->uid, real, effective, saved;
	gid_t gid = confine->gid;

	if (setgroups(0, NULL) == -1 || setresgid(gid, gid, gid) == -1 || setresuid(uid, uid, uid) == -1 ||
	    give_up_capabilities() == -1 || getresuid(&real, &effective, &saved) == -1)
		return -1;
	errno = EPERM;
	if (real != uid || effective != uid || saved != uid || getgroups(0, NULL) != 0 ||
	    (uid != 0 && (setresuid(0, 0, 0) == 0 || setresgid(0, 0, 0) == 0)))
		return -1;
	return child_die_with_parent() == -1 ? -1 : prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

/* This limit is set after the change of user; before it, it would keep the program from being executed. */
static int enter(int rules)
{
	if (limit(RLIMIT_NPROC, 0) == -1 || (rules != -1 && confine_files_enter(rules) == -1))
		return -1;
	return confine_calls_enter();
}

static int apply(const struct confine *confine)
{
	int rules = -1, abi = confine->uid == 0 ? 0 : confine_files_abi();

	if (abi == -1 || (abi > 0 && (rules = confine_files_rules(confine, abi)) == -1))
		return -1;
	if (set_limits(confine) == -1 || empty_bounding_set() == -1 || become(confine) == -1)
		return -1;
	return confine->uid == 0 ? 0 : enter(rules);
}

_Noreturn void confine_exec(const struct confine *confine, char *const arguments[], const int *from,
			    size_t count)
{
	static char *const environment[] = {NULL};

	if (child_place(from, count, 0) == -1 || chdir(confine->folder) == -1 || apply(confine) == -1)
		dprintf(2, "openvpn can't be confined: %s\n", strerror(errno));
	else if (execve(confine->binary, arguments, environment) == -1)
		dprintf(2, "%s: %s\n", confine->binary, strerror(errno));
	_exit(126);
}
