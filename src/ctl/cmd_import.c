/* portcullis import: a provider's profile, vetted and written anew. */
#include <stddef.h>

#include "ctl/ctl.h"
#include "ctl/profile_check.h"

enum { OPTION_TO };

static const struct ctl_option options[] = {
    [OPTION_TO] = {"to", 0, "DIRECTORY", false,
		   "where it is written (default " PORTCULLIS_SYSCONFDIR "/portcullis/profiles)"},
};

static int run_import(struct ctl *ctl)
{
	const char *words[2] = {NULL, NULL}, *directory = NULL, *value;
	struct err e = {""};
	size_t count = 0;
	int what;

	while ((what = ctl_args_next(ctl, &value, &e)) == OPTION_TO ||
	       (what == CTL_ARGS_OPERAND && count < 2)) {
		if (what == OPTION_TO)
			directory = value;
		else
			words[count++] = value;
	}
	if (what != CTL_ARGS_END)
		return ctl_args_stop(ctl, what, value, &e);
	if (words[0] == NULL)
		return ctl_fail(ctl, "which profile? instead: portcullis import FILE.ovpn");
	return directory != NULL ? import_profile_to(words[0], words[1], directory)
				 : import_profile(words[0], words[1]);
}

const struct ctl_command cmd_import = {
    "import",
    "FILE.ovpn [NAME]",
    "vet a profile and write it anew; root only",
    "Vets a provider's profile, takes the files that it refers to into it, resolves its\n"
    "servers' names while the machine is still open, and writes the result as NAME (default:\n"
    "the file's name). Says what was stripped.",
    options,
    sizeof options / sizeof *options,
    run_import,
};
