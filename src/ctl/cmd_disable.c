/* portcullis disable: undoes what enable has done. */
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include "base/text.h"
#include "ctl/cmd_off.h"
#include "ctl/ctl.h"
#include "ctl/unconfirmed.h"
#include "os/host/file.h"
#include "os/host/off_marker.h"
#include "os/process/process.h"
#include "os/service/account.h"
#include "os/service/install_paths.h"
#include "os/service/service.h"

enum { OPTION_PURGE, OPTION_UNCONFIRMED };
enum { LOOKS = 20, LOOK_PAUSE = 100 }; /* until it is certain that no daemon comes back */

static const struct ctl_option options[] = {
    [OPTION_PURGE] = {"purge", 0, NULL, false, "also remove the users, the state directory and the log"},
    [OPTION_UNCONFIRMED] = {"unconfirmed", 0, NULL, false,
			    "only if nobody has confirmed enable --confirm; and restore portcullis.conf"},
};

static int print_step(const char *what)
{
	printf("disable: %s\n", what);
	fflush(stdout);
	return 0;
}

/* The services first, so that nothing starts it again; the gate stays shut. */
static int end_services(const struct ctl *ctl)
{
	struct err e = {""};
	char text[1024], show[128];
	size_t used = 0;

	text_append(show, sizeof show, &used, "see `%s`", service_show);
	if (service_check(&e) == -1 && !service_is_installed())
		return print_step(e.text);
	print_step("ending portcullisd");
	if (service_stop(&e) == -1)
		return ctl_fail(ctl, "%s",
				ctl_advise(text, sizeof text, &e, "the gate is as it was", NULL, show));
	print_step("removing the service files");
	if (service_remove(&e) == -1)
		return ctl_fail(ctl, "%s",
				ctl_advise(text, sizeof text, &e, "the machine is SHUT", "fix that",
					   "run portcullis disable again; or, to open it: "
					   "portcullis off --offline --persist"));
	return 0;
}

/* The marker is there for a daemon that is started again. Where none is, it would
 * only keep the gate open after the next enable. */
static int clear_marker(const struct ctl *ctl)
{
	struct err e = {""};
	int calm = 0;
	int32_t pid;

	for (int i = 0; i < LOOKS && calm < LOOKS / 4; i++) {
		calm = process_find("portcullisd", 0, &pid, 1) == 0 ? calm + 1 : 0;
		poll(NULL, 0, LOOK_PAUSE);
	}
	if (calm < LOOKS / 4)
		return ctl_fail(ctl, "a portcullisd is still being started, and stays off until the next "
				     "boot; instead: stop what starts it, then run portcullis disable again");
	return off_marker_clear(&e) == 0 ? 0 : ctl_fail(ctl, "%s", e.text);
}

static int remove_folder(enum install_path which, struct err *e)
{
	char path[PATH_MAX];

	return file_remove_folder(install_path(which, NULL, path), e);
}

static int purge(const struct ctl *ctl)
{
	struct err e = {""};

	print_step("removing the users, the state directory and the log");
	if (account_remove(&e) == -1 || remove_folder(INSTALL_STATE, &e) == -1 ||
	    remove_folder(INSTALL_LOG, &e) == -1 || remove_folder(INSTALL_RUN, &e) == -1)
		return ctl_fail(ctl, "%s", e.text);
	return 0;
}

/* Nothing of enable --confirm waits any more. */
static int forget(const struct ctl *ctl)
{
	struct err e = {""};

	if (!unconfirmed_is_there())
		return 0;
	return service_disarm(&e) == -1 || unconfirmed_forget(&e) == -1 ? ctl_fail(ctl, "%s", e.text) : 0;
}

/* The gate first: whoever waits to get in again need not wait for the service manager. The marker is the one
 * that outlives a reboot, so that nothing shuts the machine again if the rest fails. */
static int take_back(const struct ctl *ctl)
{
	struct err e = {""};
	int code, first;

	if ((code = unconfirmed_take_back(&e)) != 1)
		return code == 0 ? print_step("nothing waits to be confirmed") : ctl_fail(ctl, "%s", e.text);
	print_step("enable was not confirmed: it is taken back");
	first = ctl_off_offline(ctl, true);
	if ((code = end_services(ctl)) != 0)
		return code;
	if (first != 0 && (code = ctl_off_offline(ctl, true)) != 0)
		return code;
	print_step("restoring portcullis.conf");
	if (unconfirmed_restore(&e) == -1)
		return ctl_fail(ctl, "%s", e.text);
	return (code = clear_marker(ctl)) != 0 ? code : forget(ctl);
}

static int run_disable(struct ctl *ctl)
{
	struct err e = {""};
	bool purging = false, unconfirmed = false;
	const char *value;
	int what, code;

	while ((what = ctl_args_next(ctl, &value, &e)) == OPTION_PURGE || what == OPTION_UNCONFIRMED)
		*(what == OPTION_PURGE ? &purging : &unconfirmed) = true;
	if (what != CTL_ARGS_END)
		return ctl_args_stop(ctl, what, value, &e);
	if (geteuid() != 0)
		return ctl_fail(ctl, "only root may do this; instead: sudo portcullis disable");
	if (unconfirmed)
		return take_back(ctl);
	if ((code = end_services(ctl)) != 0 || (code = ctl_off_offline(ctl, false)) != 0 ||
	    (code = clear_marker(ctl)) != 0 || (code = forget(ctl)) != 0)
		return code;
	return purging ? purge(ctl) : 0;
}

const struct ctl_command cmd_disable = {
    "disable",
    "",
    "undo enable: no services, no rules; root only",
    "Ends portcullisd, removes the service files, then the rules: traffic leaves IN THE CLEAR,\n"
    "now and after a reboot. Keeps the configuration and the profiles. After `disable "
    "--purge`,\n`make uninstall` leaves nothing else behind.",
    options,
    sizeof options / sizeof *options,
    run_disable,
};
