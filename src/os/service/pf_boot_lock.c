/* What pfctl loads at boot before anything of ours runs: the locked rules, in files of their own. */
#include "os/service/pf_boot_lock.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "os/host/file.h"
#include "os/process/tool.h"
#include "os/process/tool_paths.h"
#include "os/service/install_paths.h"
#include "policy/print.h"

enum { PATIENCE = 10000, MAIN_SIZE = PRINT_SIZE + 4 * PATH_MAX };

static int parses(const char *path, struct err *e)
{
	const char *const argv[] = {tool_path(TOOL_PFCTL), "-q", "-n", "-f", path, NULL};

	return tool_run(argv, NULL, PATIENCE, e);
}

/* Another name first, read by pfctl, then renamed. */
static int put(const char *name, const char *text, struct err *e)
{
	char path[PATH_MAX], candidate[PATH_MAX], beside[64];

	snprintf(beside, sizeof beside, "%s.candidate", name);
	install_path(INSTALL_CONFIG, name, path);
	install_path(INSTALL_CONFIG, beside, candidate);
	if (file_folder_of(path, 0755, e) == -1)
		return -1;
	if (file_save(candidate, text, true) == -1)
		return err_errno(e, "%s", candidate);
	if (parses(candidate, e) == -1) {
		unlink(candidate);
		return err_prefix(e, "pfctl does not accept the rules for the boot");
	}
	if (rename(candidate, path) == -1) {
		err_errno(e, "%s", path);
		unlink(candidate);
		return -1;
	}
	return 0;
}

static int locked_rules(char *to, struct err *e)
{
	static const struct situation nothing_known = {.state = POLICY_LOCKED};

	return policy_print_pf(&nothing_known, to, PRINT_SIZE, e);
}

/* /etc/pf.conf is what the system itself loads at boot, perhaps after us: then
 * its own line for com.apple evaluates the rules that stand in the fallback. */
static int main_rules(char *to, struct err *e)
{
	static char standing[PRINT_SIZE];
	char conf[PATH_MAX], rules[PATH_MAX];
	struct stat status;
	size_t used;

	install_path(INSTALL_PF_CONF, NULL, conf);
	install_path(INSTALL_CONFIG, PF_BOOT_RULES, rules);
	standing[0] = '\0';
	if (stat(conf, &status) == 0 && status.st_size >= PRINT_SIZE)
		return err_set(e, "%s: %lld bytes are too many", conf, (long long)status.st_size);
	if (file_load(conf, standing, sizeof standing) == -1 && errno != ENOENT)
		return err_errno(e, "%s", conf);
	if (policy_print_pf_main(PF_APPLE, standing, to, PRINT_SIZE, e) == -1)
		return err_prefix(e, "%s", conf);
	used = strlen(to);
	if (text_append(to, MAIN_SIZE, &used,
			"load anchor \"%s\" from \"%s\"\nload anchor \"%s\" from \"%s\"\n", POLICY_PF_ANCHOR,
			rules, POLICY_PF_FALLBACK, rules) == -1)
		return err_set(e, "%s: the path is too long", rules);
	return 0;
}

/* The rules first: the main rules name their file. */
int pf_boot_lock_write(struct err *e)
{
	static char text[MAIN_SIZE];

	if (locked_rules(text, e) == -1 || put(PF_BOOT_RULES, text, e) == -1)
		return -1;
	return main_rules(text, e) == -1 ? -1 : put(PF_BOOT_MAIN, text, e);
}

int pf_boot_lock_remove(struct err *e)
{
	static const char *const names[] = {PF_BOOT_MAIN, PF_BOOT_RULES};
	char path[PATH_MAX];

	for (size_t i = 0; i < 2; i++) {
		if (unlink(install_path(INSTALL_CONFIG, names[i], path)) == -1 && errno != ENOENT &&
		    errno != ENOTDIR)
			return err_errno(e, "%s", path);
	}
	return 0;
}
