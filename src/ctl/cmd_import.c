/* portcullis import: vets a provider's profile and writes it anew. */
#include <stddef.h>

#include "ctl/ctl.h"
#include "ctl/profile/import.h"
#include "ctl/tunnelblick/look.h"

enum { OPTION_TO, OPTION_TUNNELBLICK };

static const struct ctl_option options[] = {
    [OPTION_TO] = {"to", 0, "DIRECTORY", false,
		   "the directory to write to (default " PORTCULLIS_SYSCONFDIR "/portcullis/profiles)"},
    [OPTION_TUNNELBLICK] =
	{"tunnelblick", 0, "ROOT", true,
	 "list Tunnelblick's configurations, here or on the disk at ROOT; imports nothing"},
};

static int run_import(struct ctl *ctl)
{
	const char *words[2] = {NULL, NULL}, *directory = NULL, *root = NULL, *value;
	struct err e = {""};
	size_t count = 0;
	int what;

	while ((what = ctl_args_next(ctl, &value, &e)) >= 0 || (what == CTL_ARGS_OPERAND && count < 2)) {
		if (what == OPTION_TO)
			directory = value;
		else if (what == OPTION_TUNNELBLICK)
			root = value != NULL ? value : "";
		else
			words[count++] = value;
	}
	if (what != CTL_ARGS_END)
		return ctl_args_stop(ctl, what, value, &e);
	if (root != NULL && (count > 0 || directory != NULL))
		return ctl_fail(ctl, "--tunnelblick only lists; instead: import one that it lists");
	if (root != NULL)
		return tblk_look(root);
	if (words[0] == NULL)
		return ctl_fail(ctl, "no profile is given; instead: portcullis import FILE.ovpn or "
				     "BUNDLE.tblk, or --tunnelblick to list Tunnelblick's");
	return directory != NULL ? import_profile_to(words[0], words[1], directory)
				 : import_profile(words[0], words[1]);
}

const struct ctl_command cmd_import = {
    "import",
    "PROFILE [NAME]",
    "vet a profile and write a canonical copy; root only",
    "Vets PROFILE, a provider's FILE.ovpn or Tunnelblick's BUNDLE.tblk, includes the files that\nit refers "
    "to, resolves the names of its servers while the machine is still open, and writes\nthe result as NAME "
    "(default: the file's name). Prints what was stripped. If a bundle has\nseveral configurations, each "
    "gets a name of its own.",
    options,
    sizeof options / sizeof *options,
    run_import,
};
