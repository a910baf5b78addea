/* What the child port does alike on macOS and the BSDs: identities without capabilities. */
#include <sys/types.h>

#include <errno.h>
#include <grp.h>
#include <sys/resource.h>
#include <unistd.h>

#include "os/child.h"

/* Here only root may set addresses and routes. The list of groups begins with
 * the effective one, so it holds that one, never none (setgroups(2)). */
int child_confine_openvpn(uint32_t uid, uint32_t gid)
{
	static const struct rlimit no_core = {0, 0};
	gid_t group = gid;

	if (uid != 0) {
		errno = ENOTSUP;
		return -1;
	}
	if (setrlimit(RLIMIT_CORE, &no_core) == -1 || setgroups(1, &group) == -1 || setgid(gid) == -1 ||
	    setuid(0) == -1)
		return -1;
	return getgid() == gid && getegid() == gid ? 0 : -1;
}
