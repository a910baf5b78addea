/* The pid port on Linux: pidfds. */
#include "os/pid.h"

#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { DESCRIPTORS = 1024 };

int pid_open(pid_t pid)
{
	return (int)syscall(SYS_pidfd_open, pid, 0);
}

int pid_signal(int descriptor, pid_t pid, int number)
{
	(void)pid;
	return (int)syscall(SYS_pidfd_send_signal, descriptor, number, NULL, 0);
}

void pid_close_from(int lowest)
{
	if (syscall(SYS_close_range, (unsigned)lowest, ~0u, 0u) == 0)
		return;
	for (int i = lowest; i < DESCRIPTORS; i++) /* a kernel before 5.9 */
		close(i);
}
