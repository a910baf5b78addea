/* The sandbox port's first half on macOS and the BSDs: identities for good. */
#include <sys/types.h>

#include <grp.h>
#include <sys/resource.h>
#include <unistd.h>

#include "os/process/sandbox/sandbox.h"
#include "os/process/sandbox/sandbox_bsd.h"

/* As root setgid and setuid set the real, the effective and the saved one. The
 * list of groups begins with the effective one, so it is never empty. */
static int set_identities(uid_t uid, gid_t gid, struct err *e)
{
	gid_t groups[2] = {0};
	int count;

	if (uid == 0 || gid == 0)
		return err_set(
		    e, "the driver never runs as root; instead: name another user in portcullis.conf");
	if (setgroups(1, &gid) == -1 || setgid(gid) == -1 || setuid(uid) == -1)
		return err_errno(e, "can't change to user %u, group %u", uid, gid);
	/* What can be undone was not done. */
	count = getgroups(2, groups);
	if (getuid() != uid || geteuid() != uid || getgid() != gid || getegid() != gid || setuid(0) == 0 ||
	    seteuid(0) == 0 || setgid(0) == 0 || setegid(0) == 0 || count < 0 || count > 1 ||
	    (count == 1 && groups[0] != gid))
		return err_set(e, "the rights of root could not be given up");
	return 0;
}

int sandbox_drop(uint32_t uid, uint32_t gid, struct err *e)
{
	static const struct rlimit none = {0, 0};

	if (set_identities(uid, gid, e) == -1)
		return -1;
	if (setrlimit(RLIMIT_CORE, &none) == -1 || setrlimit(RLIMIT_NPROC, &none) == -1)
		return err_errno(e, "can't give up core files and further processes");
	return sandbox_give_up(e);
}
