/* The peer port on FreeBSD: the process at the other end. */
#include "os/process/peer_bsd.h"

int32_t peer_pid(int descriptor, const struct xucred *credentials)
{
	(void)descriptor;
	return credentials->cr_pid;
}
