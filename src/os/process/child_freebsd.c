/* The child port on FreeBSD: sealed memory, procctl, and who holds tun(4). */
#include <sys/types.h>

#include <signal.h>
#include <stddef.h>
#include <sys/procctl.h>
#include <sys/sysctl.h>
#include <unistd.h>

#include "os/process/child.h"
#include "os/route/tun_freebsd.h"

int child_die_with_parent(void)
{
	int number = SIGKILL;

	return procctl(P_PID, 0, PROC_PDEATHSIG_CTL, &number);
}

bool child_became(pid_t pid, uint32_t uid)
{
	(void)pid, (void)uid;
	return true;
}

int child_own_path(char *to, size_t size)
{
	int name[] = {CTL_KERN, KERN_PROC, KERN_PROC_PATHNAME, -1};

	return sysctl(name, sizeof name / sizeof *name, to, &size, NULL, 0);
}

bool child_holds_interface(pid_t pid, const char *name)
{
	return pid > 0 && tun_opener(name) == pid;
}
