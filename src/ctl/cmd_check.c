/* portcullis check: a profile, or the configuration and what the kernel can do. */
#include <limits.h>
#include <stddef.h>
#include <unistd.h>

#include "ctl/ctl.h"
#include "ctl/profile_check.h"
#include "os/child.h"

enum { OPTION_CONFIG };

static const struct ctl_option options[] = {
    [OPTION_CONFIG] = {"config", 'c', "FILE", false, "the configuration (default: portcullisd's)"},
};

/* portcullisd knows its configuration; it says what it finds and creates nothing. */
static int check_configuration(const struct ctl *ctl, const char *config)
{
	char path[PATH_MAX], name[] = "portcullisd", check[] = "-n", option[] = "-c", file[PATH_MAX];
	char *with[] = {name, check, option, file, NULL}, *without[] = {name, check, NULL};
	size_t length = 0;

	for (; config != NULL && config[length] != '\0' && length < sizeof file - 1; length++)
		file[length] = config[length];
	file[length] = '\0';
	child_sibling("portcullisd", PORTCULLIS_LIBEXECDIR "/../sbin", path, sizeof path);
	execv(path, config != NULL ? with : without);
	return ctl_fail(ctl, "%s can't be run; instead: portcullisd -n", path);
}

static int run_check(struct ctl *ctl)
{
	const char *value, *config = NULL, *file = NULL;
	struct err e = {""};
	int what;

	while ((what = ctl_args_next(ctl, &value, &e)) == OPTION_CONFIG ||
	       (what == CTL_ARGS_OPERAND && file == NULL)) {
		if (what == OPTION_CONFIG)
			config = value;
		else
			file = value;
	}
	if (what != CTL_ARGS_END)
		return ctl_args_stop(ctl, what, value, &e);
	if (file != NULL && config != NULL)
		return ctl_fail(ctl, "either a profile or a configuration; instead: one at a time");
	return file != NULL ? check_profile(file) : check_configuration(ctl, config);
}

const struct ctl_command cmd_check = {
    "check",
    "[FILE.ovpn]",
    "check a profile, or the configuration and the kernel",
    "With a file: vets it as a profile, says what would be stripped, and refuses it with\n"
    "FILE:LINE: option: reason (exit status 1). Without: checks the configuration and the\n"
    "profile it names, and says what the kernel's firewall can't do. Creates nothing.",
    options,
    sizeof options / sizeof *options,
    run_check,
};
