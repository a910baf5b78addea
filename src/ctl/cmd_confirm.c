/* portcullis confirm: what enable --confirm has done stays. */
#include <stdio.h>
#include <unistd.h>

#include "base/shown.h"
#include "ctl/ctl.h"
#include "ctl/unconfirmed.h"
#include "os/service/service.h"

static int run_confirm(struct ctl *ctl)
{
	struct err e = {""};
	const char *value;
	int what = ctl_args_next(ctl, &value, &e);

	if (what != CTL_ARGS_END)
		return ctl_args_stop(ctl, what, value, &e);
	if (geteuid() != 0)
		return ctl_fail(ctl, "only root may do this; instead: sudo portcullis confirm");
	if ((what = unconfirmed_confirm(&e)) == -1)
		return ctl_fail(ctl, "%s", e.text);
	if (what == 0)
		return ctl_fail(ctl,
				unconfirmed_is_there()
				    ? "too late: it is being taken back; instead: portcullis enable again"
				    : "nothing waits to be confirmed; instead: see portcullis status");
	/* From here on nobody takes it back, whatever else fails. */
	if (service_disarm(&e) == -1 || unconfirmed_forget(&e) == -1)
		shown_print(stderr, "portcullis: confirm: note: %s", e.text);
	puts("confirm: it stays: this machine is shut at every boot, or open to the VPN alone");
	return 0;
}

const struct ctl_command cmd_confirm = {
    "confirm",
    "",
    "keep what enable --confirm has done; root only",
    "Says that this machine can still be reached after `enable --confirm`. Without it, everything\nis taken "
    "back when the time is over, or at the next boot.",
    NULL,
    0,
    run_confirm,
};
