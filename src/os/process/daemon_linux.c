/* The daemon port on Linux: nobody else looks into our memory. */
#include "os/process/daemon.h"

#include <sys/prctl.h>

void daemon_undumpable(void)
{
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}
