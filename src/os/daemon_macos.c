/* The daemon port on macOS: nobody else looks into our memory. */
#include <sys/types.h>

#include <sys/ptrace.h>

#include "os/daemon.h"

/* ptrace(2): later attempts to trace us fail. */
void daemon_undumpable(void)
{
	ptrace(PT_DENY_ATTACH, 0, NULL, 0);
}
