/* portcullis import: a provider's profile, vetted and written anew. */
#include <stddef.h>

#include "ctl/ctl.h"
#include "ctl/profile/import.h"
#include "ctl/tunnelblick/look.h"

enum { OPTION_TO, OPTION_TUNNELBLICK };

static const struct ctl_option options[] = {
    [OPTION_TO] = {"to", 0, "DIRECTORY", false,
		   "where it is written (default " PORTCULLIS_SYSCONFDIR "/portcullis/profiles)"},
    [OPTION_TUNNELBLICK] = {"tunnelblick", 0, "ROOT", true,
			    "list what Tunnelblick has, here or on the disk at ROOT; imports nothing"},
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
		return ctl_fail(ctl, "--tunnelblick only lists; instead: import what it names");
	if (root != NULL)
		return tblk_look(root);
	if (words[0] == NULL)
		return ctl_fail(ctl,
				"which profile? instead: portcullis import FILE.ovpn, or BUNDLE.tblk, or "
				"--tunnelblick to see what Tunnelblick has");
	return directory != NULL ? import_profile_to(words[0], words[1], directory)
				 : import_profile(words[0], words[1]);
}

const struct ctl_command cmd_import = {
    "import",
    "PROFILE [NAME]",
    "vet a profile and write it anew; root only",
    "Vets PROFILE, a provider's FILE.ovpn or Tunnelblick's BUNDLE.tblk, takes the files that it\n"
    "refers to into it, resolves its servers' names while the machine is still open, and writes\n"
    "the result as NAME (default: the file's name). Says what was stripped. Of a bundle with\n"
    "several configurations each gets a name of its own.",
    options,
    sizeof options / sizeof *options,
    run_import,
};
