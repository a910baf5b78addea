/* tun(4) of FreeBSD: who holds it, by the status that ifconfig prints. */
#include "os/route/tun_freebsd.h"

#include <sys/types.h>

#include <sys/socket.h>

#include <errno.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/sockio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/net.h"
#include "base/text.h"
#include "os/process/descriptor.h"
#include "os/route/tun_status.h"

enum { NODE = NET_NAME_SIZE + 8 };

int32_t tun_opener(const char *name)
{
	struct ifstat status = {.ascii = ""};
	int probe = socket(AF_LOCAL, SOCK_DGRAM | SOCK_CLOEXEC, 0), result = -1;

	if (probe == -1)
		return -1;
	if (text_copy(status.ifs_name, sizeof status.ifs_name, name) == 0)
		result = ioctl(probe, SIOCGIFSTATUS, &status);
	close(probe);
	return result == -1 ? -1 : tun_status_pid(status.ascii, sizeof status.ascii);
}

int tun_give(const char *name, uint32_t uid, uint32_t gid, struct err *e)
{
	char path[NODE] = "/dev/";
	struct stat node;

	if (text_copy(path + 5, sizeof path - 5, name) == -1 || lstat(path, &node) == -1)
		return err_errno(e, "%s", path);
	if (!S_ISCHR(node.st_mode))
		return err_set(e, "%s is not a device", path);
	if (lchown(path, uid, gid) == -1 || lchmod(path, S_IRUSR | S_IWUSR) == -1)
		return err_errno(e, "%s: giving it to openvpn", path);
	return 0;
}

/* While a process holds it the kernel would wait with its end for that one. */
int tun_destroy(const char *name, struct err *e)
{
	int32_t opener = tun_opener(name);
	struct ifreq request;
	int probe, result;

	if (opener == -1)
		return errno == ENXIO ? 0 : err_errno(e, "%s is not a TUN device: left as it is", name);
	if (opener != 0)
		return err_set(e, "%s is held by process %d: left as it is", name, (int)opener);
	if ((probe = descriptor_socket(AF_LOCAL, SOCK_DGRAM, false)) == -1)
		return err_errno(e, "%s: removing the device", name);
	memset(&request, 0, sizeof request);
	text_copy(request.ifr_name, sizeof request.ifr_name, name);
	result = ioctl(probe, SIOCIFDESTROY, &request) == -1 && errno != ENXIO
		     ? err_errno(e, "%s: removing the device", name)
		     : 0;
	close(probe);
	return result;
}
