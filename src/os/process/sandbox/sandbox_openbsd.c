/* The sandbox port on OpenBSD: no path, and a list of promises. */
#include <sys/types.h>

#include <unistd.h>

#include "os/process/sandbox/sandbox.h"
#include "os/process/sandbox/sandbox_bsd.h"

/* A program that changed its user is not traced and leaves no core (setuid(2)). */
int sandbox_give_up(struct err *e)
{
	(void)e;
	return 0;
}

/* "unix" is for accept(2) on the sockets that the driver was given; with no path
 * in view it connects to nothing. A violation kills the process. */
int sandbox_enter(enum sandbox_program program, struct err *e)
{
	if (program == SANDBOX_TOKEN) /* its module is loaded later, from a path that only OpenSSL knows */
		return 0;
	if (unveil("/", "") == -1 || unveil(NULL, NULL) == -1)
		return err_errno(e, "unveil");
	if (pledge(program != SANDBOX_DRIVER ? "stdio" : "stdio unix", "") == -1)
		return err_errno(e, "pledge");
	return 0;
}
