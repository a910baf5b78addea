/* The peer port on macOS: the process at the other end. */
#include "os/process/peer_bsd.h"

int32_t peer_pid(int descriptor, const struct xucred *credentials)
{
	pid_t pid = 0;
	socklen_t length = sizeof pid;

	(void)credentials;
	return getsockopt(descriptor, SOL_LOCAL, LOCAL_PEERPID, &pid, &length) == 0 ? pid : 0;
}
