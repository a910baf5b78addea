/* The sandbox port on macOS: the profiles that sandbox_init(3) names. */
#include <stdbool.h>
#include <stddef.h>

#include "os/host/apple.h"
#include "os/process/sandbox/sandbox.h"
#include "os/process/sandbox/sandbox_bsd.h"

/* ptrace(2). No core and no new processes are limits; the driver ends because
 * its channel closes. */
int sandbox_give_up(struct err *e)
{
	return ptrace(PT_DENY_ATTACH, 0, NULL, 0) == -1 ? err_errno(e, "can't exclude debuggers") : 0;
}

/* The driver accepts on sockets that it was given, which the narrower profiles
 * are not documented to allow. What is open already stays usable under both. */
int sandbox_enter(enum sandbox_program program, struct err *e)
{
	bool wide = program == SANDBOX_DRIVER || program == SANDBOX_TOKEN;
	const char *profile = wide ? kSBXProfileNoInternet : kSBXProfilePureComputation;
	char *complaint = NULL;

	if (sandbox_init(profile, SANDBOX_NAMED, &complaint) == 0)
		return 0;
	err_set(e, "the sandbox \"%s\" can't be entered: %s", profile,
		complaint != NULL ? complaint : "no reason given");
	if (complaint != NULL)
		sandbox_free_error(complaint);
	return -1;
}
