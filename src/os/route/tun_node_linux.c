/* The TUN node port on Linux: the system's own, or one beside it where that one is root's alone. */
#include "os/route/tun_node.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <unistd.h>

#define SYSTEMS "/dev/net/tun"
#define OURS "/dev/net/portcullis" /* below /dev, for elsewhere a mount may say nodev */

static bool may_open(const struct stat *status, uint32_t uid, uint32_t gid)
{
	unsigned shift = status->st_uid == uid ? 6 : status->st_gid == gid ? 3 : 0;

	return (status->st_mode >> shift & 6) == 6;
}

/* Nobody's to open until it is whole. */
static int make(dev_t device, gid_t gid)
{
	struct stat status;

	if (lstat(OURS, &status) == 0 && S_ISCHR(status.st_mode) && status.st_rdev == device &&
	    status.st_uid == 0 && status.st_gid == gid && (status.st_mode & 07777) == 0660)
		return 0;
	if (unlink(OURS) == -1 && errno != ENOENT)
		return -1;
	if (mknod(OURS, S_IFCHR, device) == -1)
		return -1;
	return chown(OURS, 0, gid) == -1 ? -1 : chmod(OURS, 0660);
}

int tun_node_for(uint32_t uid, uint32_t gid, const char **node, struct err *e)
{
	struct stat status;

	*node = NULL;
	/* Where there is none openvpn says so itself. */
	if (stat(SYSTEMS, &status) == -1 || may_open(&status, uid, gid))
		return 0;
	if (make(status.st_rdev, gid) == -1)
		return err_errno(e, SYSTEMS " can't be opened by openvpn's user; instead: chmod 666 " SYSTEMS
					    ", its default (" OURS " can't be created)");
	*node = OURS;
	return 0;
}

void tun_node_remove(void)
{
	(void)unlink(OURS);
}
