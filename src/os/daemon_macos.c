/* The daemon port on macOS: nobody else looks into our memory. */
#include <stddef.h>

#include "os/apple.h"
#include "os/daemon.h"

void daemon_undumpable(void)
{
	ptrace(PT_DENY_ATTACH, 0, NULL, 0);
}
