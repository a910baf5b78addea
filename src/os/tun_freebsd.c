/* tun(4) of FreeBSD: who holds it, by the status that ifconfig prints. */
#include "os/tun_freebsd.h"

#include <sys/types.h>

#include <sys/socket.h>

#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/sockio.h>
#include <unistd.h>

#include "base/text.h"
#include "os/tun_status.h"

int32_t tun_holder(const char *name)
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
