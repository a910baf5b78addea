/* The confinement on macOS: root in a sandbox, until openvpn gives root up by itself (--user). */
#include "os/process/sandbox/confine_bsd.h"

#include <limits.h>
#include <stdlib.h>

#include "os/host/apple.h"
#include "os/process/sandbox/confine_profile.h"

const char confine_bsd_lacks[] =
    "only root can create a tunnel on this system: openvpn is root, in a sandbox, until its device exists";

/* Nobody else may make a utun. */
uint32_t confine_bsd_begins_as(const struct confine *confine)
{
	(void)confine;
	return 0;
}

/* The sandbox needs paths without links. With root as openvpn's user there is no sandbox: that is the way out
 * if it refuses what openvpn needs. */
int confine_bsd_enter(const struct confine *confine, struct err *e)
{
	char binary[PATH_MAX], folder[PATH_MAX], profile[CONFINE_PROFILE_SIZE], *complaint = NULL;

	if (confine->uid == 0)
		return 0;
	if (realpath(confine->binary, binary) == NULL)
		return err_errno(e, "%s", confine->binary);
	if (realpath(confine->folder, folder) == NULL)
		return err_errno(e, "%s", confine->folder);
	if (confine_profile(binary, folder, profile, sizeof profile, e) == -1)
		return -1;
	if (sandbox_init(profile, 0, &complaint) == 0)
		return 0;
	err_set(e, "the sandbox can't be entered: %s", complaint != NULL ? complaint : "no reason given");
	if (complaint != NULL)
		sandbox_free_error(complaint);
	return -1;
}
