/* portcullis enable: from a profile to a machine that is shut at every boot. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/shown.h"
#include "base/text.h"
#include "ctl/client.h"
#include "ctl/conf_edit.h"
#include "ctl/ctl.h"
#include "ctl/profile/import.h"
#include "ctl/session.h"
#include "ctl/show.h"
#include "ctl/unconfirmed.h"
#include "os/host/clock.h"
#include "os/host/file.h"
#include "os/host/off_marker.h"
#include "os/process/tool.h"
#include "os/service/account.h"
#include "os/service/install_paths.h"
#include "os/service/machine.h"
#include "os/service/service.h"

enum {
	NAME_MAX_BYTES = 64,
	CONF_SIZE = 256 * 1024,
	DAEMON_PATIENCE = 30000, /* ms for -n and -L */
	ANSWER_WAIT = 15000,     /* ms until portcullisd answers */
	OPEN_WAIT = 30000,       /* ms until the tunnel is up */
	LOOK_PAUSE = 200,
	CONFIRM_MIN = 10, /* seconds: to log in again and type it */
	CONFIRM_MAX = 86400
};

enum { OPTION_CONFIRM, OPTION_REMOTE };

static const struct ctl_option options[] = {
    [OPTION_CONFIRM] = {"confirm", 0, "DURATION", false,
			"take all of it back after DURATION, or at a reboot, unless confirmed"},
    [OPTION_REMOTE] = {"remote", 0, NULL, false,
		       "go on without --confirm, though this session over the network will end"},
};

struct enabling {
	struct ctl *ctl;
	const char *operand;
	char daemon[PATH_MAX], profile[PATH_MAX], conf[PATH_MAX];
	char *before; /* portcullis.conf as it was; NULL: there was none */
	mode_t mode;
	bool was_installed, remote;
	uint32_t confirm; /* seconds in which somebody must confirm; 0: nobody need */
	int64_t until;
};

/* --- the steps, in their order: each leaves the machine as it was, or shut */

/* What portcullisd says of itself; NULL: it does not answer. The caller frees it. */
static json_t *ask_status(const struct ctl *ctl)
{
	static struct client client;
	struct err e = {""};
	json_t *answer = NULL;

	if (client_command(&client, ctl->socket, "status", &answer, &e) != CLIENT_OK)
		return NULL;
	client_close(&client);
	return answer;
}

/* Is the machine held by a gate already? Then this session lives in spite of it. */
static bool is_held(const struct enabling *enabling)
{
	json_t *status = enabling->was_installed ? ask_status(enabling->ctl) : NULL;
	bool held = status != NULL;

	json_decref(status);
	return held;
}

/* The lock ends a session over the network, and no later one gets in. */
static int check_session(const struct enabling *enabling, struct err *e)
{
	char by[64];

	if (enabling->confirm != 0 || enabling->remote || !session_is_remote(by, sizeof by) ||
	    is_held(enabling))
		return 0;
	if (enabling->was_installed) /* --confirm is for the first time */
		return err_set(
		    e,
		    "this session comes over the network (%s), and the lock would end it; instead: "
		    "portcullis enable --remote %s, if it may end, or at the console",
		    by, enabling->operand);
	return err_set(e,
		       "this session comes over the network (%s), and the lock would end it; instead: "
		       "portcullis enable --confirm 2m %s, or at the console; or add --remote, if it may end",
		       by, enabling->operand);
}

static int check(struct enabling *enabling, struct err *e)
{
	install_path(INSTALL_PORTCULLISD, NULL, enabling->daemon);
	if (access(enabling->daemon, X_OK) == -1)
		return err_errno(e, "%s; instead: run make install", enabling->daemon);
	/* Whoever can change what root starts at boot becomes root; in Homebrew's /usr/local a user can. */
	if (file_is_trusted(install_root(), enabling->daemon, e) == -1)
		return -1;
	if (service_check(e) == -1)
		return -1;
	enabling->was_installed = service_is_installed();
	if (check_session(enabling, e) == -1)
		return -1;
	if (unconfirmed_is_there())
		return err_set(
		    e, "an earlier enable waits for its confirmation; instead: portcullis confirm, or "
		       "portcullis disable");
	if (enabling->confirm == 0)
		return 0;
	if (enabling->was_installed)
		return err_set(
		    e, "this machine is enabled already, and taking that back would open it; instead: "
		       "without --confirm");
	return service_arm(0, e);
}

static int accounts(struct enabling *enabling, struct err *e)
{
	(void)enabling;
	return account_ensure(e);
}

static bool ends_with(const char *text, const char *end)
{
	size_t length = strlen(text), end_length = strlen(end);

	return length > end_length && strcmp(text + length - end_length, end) == 0;
}

/* NAME of FILE.ovpn or BUNDLE.tblk. 0, or -1 and `e`. */
static int name_of(const char *file, char *name, struct err *e)
{
	char path[PATH_MAX];
	const char *base;

	if (text_copy(path, sizeof path, file) == -1)
		return err_set(e, "the path is too long");
	for (size_t length = strlen(path); length > 1 && path[length - 1] == '/';)
		path[--length] = '\0';
	base = strrchr(path, '/') != NULL ? strrchr(path, '/') + 1 : path;
	if (ends_with(base, ".ovpn") || ends_with(base, ".tblk"))
		path[strlen(path) - 5] = '\0';
	if (base[0] == '.' || !text_is_name(base, NAME_MAX_BYTES) ||
	    text_copy(name, NAME_MAX_BYTES + 1, base))
		return err_set(e,
			       "%s: no profile can have this name; instead: portcullis import FILE NAME, "
			       "then portcullis enable NAME",
			       file);
	return 0;
}

/* The operand is a file, which is imported, or the name of a profile that has been. */
static int find_profile(struct enabling *enabling, struct err *e)
{
	const char *operand = enabling->operand;
	char name[NAME_MAX_BYTES + 1], stored[NAME_MAX_BYTES + sizeof ".ovpn"], folder[PATH_MAX];
	bool is_file =
	    strchr(operand, '/') != NULL || ends_with(operand, ".ovpn") || ends_with(operand, ".tblk");

	if (name_of(operand, name, e) == -1)
		return -1;
	snprintf(stored, sizeof stored, "%s.ovpn", name);
	install_path(INSTALL_PROFILES, NULL, folder);
	install_path(INSTALL_PROFILES, stored, enabling->profile);
	if (is_file && strcmp(operand, enabling->profile) != 0) {
		if (import_profile_to(operand, name, folder) != 0)
			return err_set(e, "%s is not accepted", operand);
		return 0;
	}
	if (access(enabling->profile, R_OK) == -1)
		return err_set(e, "no profile %s has been imported; instead: portcullis enable FILE.ovpn",
			       name);
	return 0;
}

/* The caller frees. NULL with errno; ENOENT: there is no such file. */
static char *read_conf(const char *path, mode_t *mode)
{
	char *text = malloc(CONF_SIZE);
	struct stat status;

	if (text == NULL || file_load(path, text, CONF_SIZE) == -1 || stat(path, &status) == -1) {
		free(text);
		return NULL;
	}
	if (strlen(text) == CONF_SIZE - 1 || (off_t)strlen(text) != status.st_size) {
		free(text);
		errno = EFBIG;
		return NULL;
	}
	*mode = status.st_mode & 0644;
	return text;
}

static int write_conf(const struct enabling *enabling, const char *text, struct err *e)
{
	if (file_folder_of(enabling->conf, 0755, e) == -1)
		return -1;
	if (file_save(enabling->conf, text, true) == -1 || chmod(enabling->conf, enabling->mode) == -1)
		return err_errno(e, "%s", enabling->conf);
	return 0;
}

static void configure_undo(const struct enabling *enabling)
{
	struct err e = {""};

	if (enabling->before == NULL ? unlink(enabling->conf) == -1 && errno != ENOENT
				     : write_conf(enabling, enabling->before, &e) == -1)
		ctl_fail(enabling->ctl, "%s could not be restored%s%s", enabling->conf,
			 e.text[0] != '\0' ? ": " : "", e.text);
}

static int configure(struct enabling *enabling, struct err *e)
{
	char *text, resolved[PATH_MAX];
	int result;

	install_path(INSTALL_CONFIG, "portcullis.conf", enabling->conf);
	if (realpath(enabling->conf, resolved) != NULL) /* a link is not replaced by a file */
		text_copy(enabling->conf, sizeof enabling->conf, resolved);
	enabling->mode = 0644;
	errno = 0;
	if ((enabling->before = read_conf(enabling->conf, &enabling->mode)) == NULL && errno != ENOENT)
		return err_errno(e, "%s can't be read", enabling->conf);
	text =
	    conf_edit(enabling->before != NULL ? enabling->before
					       : "# Portcullis: the configuration. See portcullis.conf(5).\n",
		      "profile", enabling->profile, e);
	if (text == NULL)
		return err_prefix(e, "%s", enabling->conf);
	result = write_conf(enabling, text, e);
	free(text);
	if (result == -1)
		configure_undo(enabling);
	return result;
}

static int run_daemon(const struct enabling *enabling, const char *option, struct err *e)
{
	const char *const argv[] = {enabling->daemon, option, "-c", enabling->conf, NULL};

	return tool_run(argv, NULL, DAEMON_PATIENCE, e);
}

static int vet(struct enabling *enabling, struct err *e)
{
	return run_daemon(enabling, "-n", e);
}

static void install_undo(const struct enabling *enabling)
{
	struct err e = {""};
	char text[1024];

	if (!enabling->was_installed && service_remove(&e) == -1)
		ctl_fail(enabling->ctl, "%s",
			 ctl_advise(text, sizeof text, &e, "this machine may be SHUT from the next boot on",
				    "fix that", "run portcullis disable"));
}

static int install(struct enabling *enabling, struct err *e)
{
	if (service_install(e) == 0)
		return 0;
	install_undo(enabling);
	return -1;
}

static void arm_undo(const struct enabling *enabling)
{
	struct err e = {""};

	if (enabling->confirm != 0 && (service_disarm(&e) == -1 || unconfirmed_forget(&e) == -1))
		ctl_fail(enabling->ctl, "%s", e.text);
}

/* Before the lock: from here on it is taken back, whatever becomes of this process. */
static int arm(struct enabling *enabling, struct err *e)
{
	enabling->until = time(NULL) + enabling->confirm;
	if (enabling->confirm == 0)
		return 0;
	if (unconfirmed_write(enabling->until, enabling->before, enabling->mode, e) == 0 &&
	    service_arm(enabling->confirm, e) == 0)
		return 0;
	arm_undo(enabling);
	return -1;
}

/* If portcullisd runs already, this changes nothing: its gate is shut, or open for the VPN only. */
static int lock(struct enabling *enabling, struct err *e)
{
	bool was_off = off_marker_valid();

	if (off_marker_clear(e) == -1)
		return -1;
	if (run_daemon(enabling, "-L", e) == 0)
		return 0;
	if (was_off)
		(void)off_marker_write(false, NULL);
	return -1;
}

static int start(struct enabling *enabling, struct err *e)
{
	(void)enabling;
	return service_start(e);
}

static const struct step {
	const char *doing;
	int (*run)(struct enabling *enabling, struct err *e);
	void (*undo)(const struct enabling *enabling); /* NULL: nothing has to be undone */
} steps[] = {
    {"checking what is installed", check, NULL},
    {"users " ACCOUNT_DRIVER " and " ACCOUNT_OPENVPN, accounts, NULL},
    {"the profile", find_profile, NULL},
    {"writing portcullis.conf", configure, configure_undo},
    {"checking configuration and profile", vet, NULL},
    {"installing the service files", install, install_undo},
    {"whether somebody must confirm it", arm, arm_undo},
    {"locking the gate", lock, NULL},
    {"starting portcullisd", start, NULL},
};
enum { STEPS = sizeof steps / sizeof *steps, FIRST_SHUT = STEPS - 1 };

/* The number of steps that succeeded. */
static size_t run_steps(struct enabling *enabling, struct err *e)
{
	size_t done = 0;

	for (; done < STEPS; done++) {
		printf("enable: %s\n", steps[done].doing);
		fflush(stdout);
		if (steps[done].run(enabling, e) == -1)
			break;
	}
	return done;
}

static int undo_steps(const struct enabling *enabling, size_t failed, const struct err *e)
{
	ctl_fail(enabling->ctl, "%s: %s", steps[failed].doing, e->text);
	if (failed >= FIRST_SHUT && enabling->confirm != 0)
		return ctl_fail(enabling->ctl,
				"the machine is SHUT until all of it is taken back; instead: see `%s`, or "
				"portcullis disable",
				service_show);
	if (failed >= FIRST_SHUT)
		return ctl_fail(enabling->ctl,
				"the machine is SHUT, and will be at every boot; instead: see `%s`, then run "
				"enable again; or, to open it: portcullis disable",
				service_show);
	for (size_t i = failed; i-- > 0;) {
		if (steps[i].undo != NULL)
			steps[i].undo(enabling);
	}
	return ctl_fail(enabling->ctl, "the gate is as it was before");
}

/* --- and then: does it work? */

static bool has_word(const json_t *status, const char *key, const char *word)
{
	const char *value = json_string_value(json_object_get(status, key));

	return value != NULL && strcmp(value, word) == 0;
}

/* Does portcullisd answer? With `settled`: is there nothing left to wait for? */
static bool is_up(const json_t *status, bool settled)
{
	if (!settled)
		return json_is_string(json_object_get(status, "gate"));
	return has_word(status, "gate", "open") || has_word(status, "tunnel", "stopped");
}

/* The latest status once it is up, or when the time is over; NULL: none came. The caller frees it. */
static json_t *wait_status(const struct ctl *ctl, bool settled, int milliseconds)
{
	int64_t deadline = clock_steady_ms() + milliseconds;
	json_t *status = NULL;

	for (;;) {
		json_t *answer = ask_status(ctl);

		if (answer != NULL) {
			json_decref(status);
			status = answer;
		}
		if (is_up(status, settled) || clock_steady_ms() >= deadline)
			break;
		poll(NULL, 0, LOOK_PAUSE);
	}
	return status;
}

static int wait_and_show(const struct ctl *ctl)
{
	char text[SHOW_SIZE];
	json_t *status;
	int code;

	printf("enable: waiting for portcullisd, at most %d s\n", ANSWER_WAIT / 1000);
	fflush(stdout);
	if ((status = wait_status(ctl, false, ANSWER_WAIT)) == NULL)
		return ctl_fail(
		    ctl,
		    "portcullisd does not answer, and the machine is SHUT; instead: see `%s` and its "
		    "log; or, to open it: portcullis disable",
		    service_show);
	if (!is_up(status, true)) {
		printf("enable: waiting for the tunnel, at most %d s\n", OPEN_WAIT / 1000);
		fflush(stdout);
		json_decref(status);
		if ((status = wait_status(ctl, true, OPEN_WAIT)) == NULL)
			return ctl_fail(ctl, "portcullisd has exited; instead: see `%s`", service_show);
	}
	show_full(status, ctl_colour(), text, sizeof text);
	fputs(text, stdout);
	code = show_exit(status);
	json_decref(status);
	return code;
}

/* The next boot may need traffic that the lock in the initrd stops. */
static void warn_of_initrd(void)
{
	struct machine_fact fact;

	machine_initrd(&fact);
	if (fact.answer == MACHINE_NO)
		shown_print(stdout, "enable: note: %s; instead: %s", fact.text, fact.instead);
}

static void tell_of_confirmation(const struct enabling *enabling)
{
	char stamp[TEXT_TIME_SIZE];

	if (enabling->confirm == 0)
		return;
	text_time(stamp, enabling->until);
	printf("enable: all of it is taken back at %s, or at a reboot before; instead: portcullis confirm\n",
	       stamp);
	fflush(stdout);
}

/* -1: go on; else the exit code. */
static int read_enable_options(struct ctl *ctl, struct enabling *enabling)
{
	struct err e = {""};
	const char *value;
	int what;

	for (;;) {
		what = ctl_args_next(ctl, &value, &e);
		if (what == OPTION_CONFIRM &&
		    (text_duration(value, &enabling->confirm) == -1 || enabling->confirm < CONFIRM_MIN ||
		     enabling->confirm > CONFIRM_MAX))
			return ctl_fail(
			    ctl, "--confirm %s is no time to confirm in; instead: 10s to 1d, such as 2m",
			    value);
		if (what == CTL_ARGS_OPERAND && enabling->operand == NULL)
			enabling->operand = value;
		else if (what == OPTION_REMOTE)
			enabling->remote = true;
		else if (what != OPTION_CONFIRM)
			return what == CTL_ARGS_END ? -1 : ctl_args_stop(ctl, what, value, &e);
	}
}

static int run_enable(struct ctl *ctl)
{
	struct enabling enabling = {.ctl = ctl};
	struct err e = {""};
	size_t done;
	int code = read_enable_options(ctl, &enabling);

	if (code != -1)
		return code;
	if (enabling.operand == NULL)
		return ctl_fail(ctl, "no profile is given; instead: portcullis enable FILE.ovpn, or the NAME "
				     "of an imported one");
	if (geteuid() != 0)
		return ctl_fail(ctl, "only root may do this; instead: sudo portcullis enable %s",
				enabling.operand);
	done = run_steps(&enabling, &e);
	if (done == STEPS) {
		warn_of_initrd();
		tell_of_confirmation(&enabling);
	}
	code = done < STEPS ? undo_steps(&enabling, done, &e) : wait_and_show(ctl);
	free(enabling.before);
	return code;
}

const struct ctl_command cmd_enable = {
    "enable",
    "PROFILE",
    "keep this machine shut from every boot on; root only",
    "Creates the users and groups, imports PROFILE (a file, or the name of an imported one),\nnames it in "
    "portcullis.conf, checks both, shuts the machine, and has the system's service\nmanager start "
    "portcullisd, now and at every boot. Run it again after an upgrade or with\nanother profile: the gate "
    "stays shut meanwhile. If a step fails, the machine is as it was,\nor shut. The exit status is that of "
    "`portcullis status`.\n\nOn a machine that is reached over the network: --confirm takes all of it back, "
    "by the "
    "system's\nservice manager, unless `portcullis confirm` is run in time. Without it a session over "
    "the\nnetwork "
    "(ssh) is refused, unless --remote says that it may end.",
    options,
    sizeof options / sizeof *options,
    run_enable,
};
