/* The daemon port on macOS: nobody else looks into our memory. */
#include <stddef.h>

#include "os/host/apple.h"
#include "os/process/daemon.h"

void daemon_undumpable(void)
{
	ptrace(PT_DENY_ATTACH, 0, NULL, 0);
}
