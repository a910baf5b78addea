/* portcullis portal: a program logs in to a captive portal, through a hole that is its group's only. */
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/shown.h"
#include "base/text.h"
#include "base/wire_admin.h"
#include "ctl/cmd_admin.h"
#include "ctl/ctl.h"
#include "ctl/portal/browser.h"
#include "ctl/portal/probe.h"
#include "ctl/portal/resolvers.h"
#include "os/process/child.h"
#include "os/process/descriptor.h"
#include "os/process/sandbox/apart.h"
#include "policy/situation.h"

enum { OPTION_ANY, OPTION_FOR, OPTION_USER, OPTION_END, OPTION_PROBE };
enum { DEFAULT_SECONDS = 300, PROBE_SECONDS = 15, STATUS_SIGNAL = 128, ANSWER_SIZE = 512 };

#define FOLDER PORTCULLIS_RUNDIR "/portcullis-portal"
/* Any page without TLS: a portal answers in its place. */
#define ANYWHERE "http://neverssl.com/"

static const struct ctl_option options[] = {
    [OPTION_ANY] = {"any", 0, NULL, false, "ports 80 and 443 of every address, not only of private ones"},
    [OPTION_FOR] = {"for", 0, "DURATION", false, "how long, at most 15m (default 5m)"},
    [OPTION_USER] = {"user", 'u', "USER", false, "whose program it is (default: who called sudo)"},
    [OPTION_END] = {"end", 0, NULL, false, "shut the portal that is open, and run nothing"},
    [OPTION_PROBE] = {"probe", 0, NULL, false, "only find out whether a portal answers, by curl(1)"},
};

struct wanted {
	struct wire_admin_request request;
	const char *user;
	bool end, probe;
	char *const *command; /* NULL: a browser */
};

static int read_duration(const struct ctl *ctl, const char *value, uint32_t *seconds)
{
	if (text_duration(value, seconds) == 0 && *seconds > 0 && *seconds <= POLICY_PORTAL_SECONDS)
		return -1;
	return ctl_fail(ctl, "--for %s is not from 1s to %dm; instead: such as 5m", value,
			POLICY_PORTAL_SECONDS / 60);
}

/* -1: go on; else the exit code. The first operand begins the command, whose options are its own. */
static int take_options(struct ctl *ctl, struct wanted *wanted)
{
	struct err e = {""};
	const char *value;
	int what, code = -1;

	while (code == -1 && (what = ctl_args_next(ctl, &value, &e)) >= 0) {
		wanted->request.any |= what == OPTION_ANY;
		wanted->end = wanted->end || what == OPTION_END;
		wanted->probe = wanted->probe || what == OPTION_PROBE;
		if (what == OPTION_USER)
			wanted->user = value;
		if (what == OPTION_FOR)
			code = read_duration(ctl, value, &wanted->request.seconds);
	}
	if (wanted->probe) {
		wanted->command = probe_arguments;
		wanted->request.seconds = PROBE_SECONDS;
	}
	if (code != -1 || what == CTL_ARGS_END)
		return code;
	if (what != CTL_ARGS_OPERAND || wanted->probe)
		return ctl_args_stop(ctl, what, value, &e);
	wanted->command = ctl->arguments + ctl->next - 1;
	return -1;
}

static int find_user(const struct ctl *ctl, struct wanted *wanted)
{
	const char *sudo = getenv("SUDO_UID"), *doas = getenv("DOAS_USER");
	const char *name = wanted->user != NULL ? wanted->user : sudo != NULL ? sudo : doas;
	const struct passwd *entry = name != NULL ? getpwnam(name) : NULL;
	uint64_t number = 0;

	if (name == NULL)
		return ctl_fail(
		    ctl, "whose program is it; instead: call it by sudo, or name the user with --user");
	if (entry != NULL)
		number = entry->pw_uid;
	else if (text_number(name, 1, UINT32_MAX - 1, &number) == -1)
		return ctl_fail(ctl, "there is no user %s; instead: --user with another one", name);
	if (number == 0)
		return ctl_fail(ctl, "a browser is not run as root; instead: name a user with --user");
	wanted->request.user = (uint32_t)number;
	return -1;
}

/* The child is what ends everything of the program's: see os/process/sandbox/apart.h. */
static volatile sig_atomic_t running, asked_to_end;

static void end_it(int number)
{
	asked_to_end = number;
	if (running > 0)
		kill((pid_t)running, SIGKILL);
}

static void catch_ends(void)
{
	static const int ends[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
	struct sigaction action = {.sa_handler = end_it};

	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
		sigaction(ends[i], &action, NULL);
}

static void print_resolvers(char *to, size_t size, const struct net_address *resolvers, size_t count)
{
	char text[NET_ADDRESS_TEXT];
	size_t used = 0;

	to[0] = '\0';
	for (size_t i = 0; i < count; i++)
		text_append(to, size, &used, "nameserver %s\n", net_address_text(&resolvers[i], text));
	text_append(to, size, &used, "options timeout:2 attempts:2\n");
}

/* What there is to run, and to ask. -1: go on; else the exit code. */
static int prepare(const struct ctl *ctl, const struct wanted *wanted, struct browser *browser,
		   char *resolv_conf, size_t size)
{
	struct net_address resolvers[PORTAL_RESOLVERS], router;
	size_t count = portal_resolvers(resolvers, &router);
	bool screen = browser_environment(browser, wanted->request.user, FOLDER);
	char text[NET_ADDRESS_TEXT], url[NET_ADDRESS_TEXT + sizeof "http:///"];
	struct err e = {""};

	print_resolvers(resolv_conf, size, resolvers, count);
	if (count == 0)
		fputs(
		    "portcullis: portal: no resolver with a private address is known, so no name is found\n",
		    stderr);
	if (wanted->command != NULL)
		return -1;
	snprintf(url, sizeof url, "http://%s/", net_address_text(&router, text));
	if (!wanted->request.any && !portal_is_private(&router))
		return ctl_fail(ctl, "the router has no private address; instead: --any");
	if (!screen)
		return ctl_fail(
		    ctl,
		    "there is no screen for a browser; instead: sudo portcullis portal COMMAND, such as "
		    "curl -qv %s",
		    wanted->request.any ? ANYWHERE : url);
	return browser_find(browser, FOLDER, wanted->request.any ? ANYWHERE : url, &e) == 0
		   ? -1
		   : ctl_fail(ctl, "%s", e.text);
}

/* A portal can end before its program does (--end, the VPN, a pause, a new daemon), and the program has the
 * group still: until it has ended there is no other portal that it could use. The lock is on the folder, and
 * the processes that hold the program's have it too. -1: go on; else the exit code. */
static int hold_folder(const struct ctl *ctl)
{
	int folder;

	if ((mkdir(FOLDER, 0700) == -1 && errno != EEXIST) ||
	    (folder = open(FOLDER, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)) == -1)
		return ctl_fail(ctl, FOLDER " can't be made: %s", strerror(errno));
	return flock(folder, LOCK_EX | LOCK_NB) == 0
		   ? -1
		   : ctl_fail(ctl, "the program of an earlier portal still runs; instead: end it first");
}

/* The program, until it ends or its time is over. Its exit code. */
static int run_program(const struct ctl *ctl, const struct wanted *wanted, struct apart *apart)
{
	struct err e = {""};
	pid_t pid;
	int status;

	if ((pid = apart_start(apart, &e)) == -1) {
		(void)rmdir(FOLDER);
		return ctl_fail(ctl, "%s", e.text);
	}
	running = pid;
	if (asked_to_end != 0) /* before there was anything to end */
		kill(pid, SIGKILL);
	status = child_wait(pid, (int)wanted->request.seconds * 1000);
	running = 0;
	(void)rmdir(FOLDER);
	return WIFEXITED(status) ? WEXITSTATUS(status) : STATUS_SIGNAL + WTERMSIG(status);
}

/* 0: there is no portal; else 1, or the exit code. */
static int run_probe(const struct ctl *ctl, const struct wanted *wanted, struct apart *apart)
{
	char said[ANSWER_SIZE], text[ANSWER_SIZE];
	ssize_t length;
	int ends[2], own = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1), code;
	bool none;

	if (own == -1 || pipe(ends) == -1)
		return ctl_fail(ctl, "what curl says can't be read: %s", strerror(errno));
	(void)dup2(ends[1], STDOUT_FILENO);
	close(ends[1]);
	code = run_program(ctl, wanted, apart);
	(void)dup2(own, STDOUT_FILENO);
	close(own);
	length = read(ends[0], said, sizeof said - 1); /* one line, and nobody has the other end */
	said[length > 0 ? length : 0] = '\0';
	close(ends[0]);
	none = probe_judge(said, code, wanted->request.any != 0, text, sizeof text);
	shown_print(stdout, "portal: %s", text);
	return none ? 0 : CTL_ERROR;
}

static int end_portal(const struct ctl *ctl, const struct wanted *wanted)
{
	const struct wire_admin_request request = {
	    .version = WIRE_VERSION, .verb = ADMIN_PORTAL, .user = wanted->request.user};
	struct wire_admin_answer answer = {0};

	return ctl_admin_ask(ctl, &request, &answer);
}

static int run_portal(struct ctl *ctl)
{
	static struct browser browser;
	static struct wanted wanted = {
	    .request = {.version = WIRE_VERSION, .verb = ADMIN_PORTAL, .seconds = DEFAULT_SECONDS}};
	char resolv_conf[PORTAL_RESOLVERS * (NET_ADDRESS_TEXT + 16) + 64];
	struct wire_admin_answer answer = {0};
	struct apart apart = {
	    .folder = FOLDER, .resolv_conf = resolv_conf, .environment = browser.environment};
	int code = take_options(ctl, &wanted), ended;

	descriptor_close_from(STDERR_FILENO + 1); /* what root has open is not for a user's program */
	if (code == -1 && geteuid() != 0)
		return ctl_fail(ctl, "only root may do this; instead: sudo portcullis portal");
	if (code == -1 && wanted.end)
		return end_portal(ctl, &wanted);
	if (code == -1)
		code = find_user(ctl, &wanted);
	if (code == -1)
		code = prepare(ctl, &wanted, &browser, resolv_conf, sizeof resolv_conf);
	if (code == -1)
		code = hold_folder(ctl);
	if (code != -1)
		return code;
	catch_ends();
	if ((code = ctl_admin_ask(ctl, &wanted.request, &answer)) != 0) {
		if (asked_to_end != 0) /* before the answer: it may be open */
			(void)end_portal(ctl, &wanted);
		(void)rmdir(FOLDER);
		return code;
	}
	apart.user = wanted.request.user;
	apart.group = answer.group;
	apart.arguments = wanted.command != NULL ? wanted.command : browser.arguments;
	fprintf(stderr, "portcullis: portal: open for this program only, for %u s; all else stays shut\n",
		wanted.request.seconds);
	code = wanted.probe ? run_probe(ctl, &wanted, &apart) : run_program(ctl, &wanted, &apart);
	ended = end_portal(ctl, &wanted);
	return ended != 0 ? ended : code;
}

const struct ctl_command cmd_portal = {
    "portal",
    "[COMMAND]",
    "log in to a captive portal, without opening anything else",
    "Runs COMMAND, or a browser with an empty profile, as the user who called sudo, and lets out its\n"
    "packets alone (those of its group), for a time: to ports 80 and 443 of private addresses, and to\n"
    "DNS there. Everything else stays shut. It ends with COMMAND, and with its time even if\n"
    "portcullisd dies. Linux only.",
    options,
    sizeof options / sizeof *options,
    run_portal,
};
