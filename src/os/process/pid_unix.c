/* What the pid port does alike everywhere. */
#include "os/process/pid.h"

#include <errno.h>
#include <poll.h>
#include <stddef.h>

bool pid_ended(int descriptor, int milliseconds)
{
	struct pollfd waiting = {.fd = descriptor, .events = POLLIN};
	int ready;

	do
		ready = poll(&waiting, 1, milliseconds);
	while (ready == -1 && errno == EINTR);
	return ready == 1;
}
