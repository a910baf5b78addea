/* The sandbox port on FreeBSD: capability mode, and what procctl(2) takes away. */
#include <sys/types.h>

#include <errno.h>
#include <signal.h>
#include <sys/capsicum.h>
#include <sys/procctl.h>
#include <unistd.h>

#include "os/process/sandbox/sandbox.h"
#include "os/process/sandbox/sandbox_bsd.h"

int sandbox_give_up(struct err *e)
{
	int no_trace = PROC_TRACE_CTL_DISABLE, no_new = PROC_NO_NEW_PRIVS_ENABLE, end = SIGKILL;

	if (procctl(P_PID, getpid(), PROC_TRACE_CTL, &no_trace) == -1 ||
	    procctl(P_PID, getpid(), PROC_NO_NEW_PRIVS_CTL, &no_new) == -1)
		return err_errno(e, "can't give up debuggers and new privileges");
	if (procctl(P_PID, 0, PROC_PDEATHSIG_CTL, &end) == -1)
		return err_errno(e, "can't end with the parent");
	return 0;
}

/* No name is looked up any more: nothing can be opened, connected, bound by
 * address or signalled (capsicum(4)). What both programs do is allowed there:
 * read, write, accept, kevent, getsockopt, clocks and memory. What is not is
 * refused with ECAPMODE; it does not end the process. */
int sandbox_enter(enum sandbox_program program, struct err *e)
{
	u_int mode = 0;

	if (program ==
	    SANDBOX_TOKEN) /* its module looks up names: the user and no new privileges are what it has */
		return 0;
	if (cap_enter() == -1)
		return err_errno(e, "capability mode can't be entered");
	if (cap_getmode(&mode) == -1 || mode != 1)
		return err_set(e, "capability mode was not entered");
	return 0;
}
