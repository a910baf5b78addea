/* portcullis check: a profile, or the configuration and what the kernel can do. */
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/io.h"
#include "base/text.h"

#include "ctl/ctl.h"
#include "ctl/profile/check.h"
#include "os/process/child.h"

enum { OPTION_CONFIG };
enum { OUTPUT_MAX = 64 * 1024 };

static const struct ctl_option options[] = {
    [OPTION_CONFIG] = {"config", 'c', "FILE", false, "the configuration (default: portcullisd's)"},
};

/* In the child. Returns only if portcullisd can't be run. */
static int become_daemon(const struct ctl *ctl, const char *config, int output)
{
	char path[PATH_MAX], file[PATH_MAX], name[] = "portcullisd", check[] = "-n", option[] = "-c";
	char *with[] = {name, check, option, file, NULL}, *without[] = {name, check, NULL};

	if (config != NULL && text_copy(file, sizeof file, config) == -1)
		return ctl_fail(ctl, "%s: the path is too long", config);
	child_sibling("portcullisd", PORTCULLIS_LIBEXECDIR "/../sbin", path, sizeof path);
	dup2(output, STDOUT_FILENO);
	execv(path, config != NULL ? with : without);
	return ctl_fail(ctl, "%s can't be run; instead: run portcullisd -n", path);
}

/* The profile's path, from the second line of the output, "PROFILE: fine, ..."; NULL: there is none. */
static const char *checked_profile(char *output)
{
	char *line = strchr(output, '\n'), *end;

	if (line == NULL)
		return NULL;
	line[strcspn(line + 1, "\n") + 1] = '\0';
	for (end = NULL, output = line + 1; (output = strstr(output, ": fine, ")) != NULL; output++)
		end = output; /* the last one: a path may contain the same words */
	if (end != NULL)
		*end = '\0';
	return end != NULL ? line + 1 : NULL;
}

/* portcullisd reads its own configuration, prints what it finds and creates nothing.
 * What would be stripped from the profile is printed here. */
static int check_configuration(const struct ctl *ctl, const char *config)
{
	int ends[2], status = 0;
	const char *profile;
	char *output, *text;
	size_t length;
	pid_t pid;

	fflush(NULL);
	if (pipe(ends) == -1 || (pid = child_fork()) == -1)
		return ctl_fail(ctl, "portcullisd can't be started in a child; instead: run portcullisd -n");
	if (pid == 0) {
		close(ends[0]);
		_exit(become_daemon(ctl, config, ends[1]));
	}
	close(ends[1]);
	output = io_read_all(ends[0], OUTPUT_MAX, &length);
	close(ends[0]);
	(void)child_reap(pid, &status);
	text = output != NULL ? strndup(output, length) : NULL;
	free(output);
	if (text != NULL)
		fputs(text, stdout);
	fflush(stdout);
	status = text != NULL && WIFEXITED(status) ? WEXITSTATUS(status) : CTL_ERROR;
	if (status == 0 && (profile = checked_profile(text)) != NULL)
		status = check_profile(profile);
	free(text);
	return status;
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
		return ctl_fail(ctl,
				"a profile and a configuration are both given; instead: check one at a time");
	return file != NULL ? check_profile(file) : check_configuration(ctl, config);
}

const struct ctl_command cmd_check = {
    "check",
    "[FILE.ovpn]",
    "check a profile, or the configuration and the kernel",
    "With a file: vets it as a profile and prints what would be stripped; a refused profile "
    "gives\nFILE:LINE: option: reason (exit status 1). Without a file: checks the configuration, then "
    "the\nfiles and the profile that it names; prints what would be stripped, and what the "
    "kernel's\nfirewall can't do. Creates nothing.",
    options,
    sizeof options / sizeof *options,
    run_check,
};
