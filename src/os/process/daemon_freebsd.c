/* The daemon port on FreeBSD: nobody else looks into our memory. */
#include <sys/procctl.h>
#include <unistd.h>

#include "os/process/daemon.h"

/* procctl(2): also no ktrace, no core. */
void daemon_undumpable(void)
{
	int mode = PROC_TRACE_CTL_DISABLE;

	procctl(P_PID, getpid(), PROC_TRACE_CTL, &mode);
}
