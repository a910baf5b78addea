/* portcullis off: removes the rules; with --offline it needs no portcullisd. */
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include "base/wire_admin.h"
#include "ctl/cmd_admin.h"
#include "ctl/cmd_off.h"
#include "ctl/ctl.h"
#include "os/firewall/firewall.h"
#include "os/host/clock.h"
#include "os/host/off_marker.h"
#include "os/host/platform.h"
#include "os/process/process.h"
#include "os/route/device.h"
#include "os/route/forwarding.h"
#include "os/route/route.h"
#include "os/service/strict_boot.h"

#define DAEMON "portcullisd"

enum { OPTION_OFFLINE, OPTION_PERSIST };
enum {
	PATIENCE = 1000,  /* ms that a daemon has to leave by itself */
	DEADLINE = 15000, /* ms for all of it */
	RETRY_PAUSE = 20, /* ms between two looks */
	CALM_LOOKS = 5,   /* how often in a row nobody may hold the gate */
	DAEMONS_MAX = 16
};

static const struct ctl_option options[] = {
    [OPTION_OFFLINE] = {"offline", 0, NULL, false, "without portcullisd: end it, remove the rules"},
    [OPTION_PERSIST] = {"persist", 0, NULL, false, "stay off across a reboot, until portcullis up"},
};

struct removal {
	struct firewall *fw;
	uint64_t began; /* a daemon that began later has seen the marker */
	unsigned ended, forced;
	bool had_rules, gone; /* before; at the last look */
};

static int end_daemon(const struct ctl *ctl, struct removal *removal, int32_t pid)
{
	struct err e = {""};
	bool forced;

	if (process_end(pid, DAEMON, PATIENCE, &forced, &e) == -1)
		return ctl_fail(ctl, "%s", e.text);
	removal->ended++;
	removal->forced += forced;
	printf("off: %s %" PRId32 " %s\n", DAEMON, pid, forced ? "did not exit and was killed" : "ended");
	return 0;
}

/* Ends every process that may still hold the gate: the owner that the kernel names,
 * and each daemon here that began before the marker. *found: there was one. */
static int end_daemons(const struct ctl *ctl, struct removal *removal, bool *found)
{
	int32_t owner = 0, pids[DAEMONS_MAX];
	size_t count = process_find(DAEMON, removal->began, pids, DAEMONS_MAX);
	int result = 0;

	*found = count > 0;
	for (size_t i = 0; i < count && i < DAEMONS_MAX; i++)
		result |= end_daemon(ctl, removal, pids[i]);
	if (removal->fw != NULL && firewall_owner(removal->fw, &owner, NULL) == 0 && owner > 0 &&
	    owner != (int32_t)getpid()) {
		*found = true;
		removal->had_rules = true;
		result |= end_daemon(ctl, removal, owner);
	}
	return result;
}

static bool has_rules(struct removal *removal)
{
	uint64_t packets;

	return firewall_blocked(removal->fw, &packets, NULL) == 0;
}

/* Repeats this until nobody holds the gate and the rules stay away. A service manager may start a daemon
 * between two steps; that one meets the marker and stays off. */
static int remove_all(const struct ctl *ctl, struct removal *removal)
{
	int64_t deadline = clock_steady_ms() + DEADLINE;
	struct err e = {""};
	int calm = 0, broken = 0;
	char manual_command[256], text[1024];
	bool found;

	while (calm < CALM_LOOKS && clock_steady_ms() < deadline) {
		int ended = end_daemons(ctl, removal, &found);

		removal->had_rules = has_rules(removal) || removal->had_rules;
		e.text[0] = '\0';
		removal->gone =
		    firewall_remove(removal->fw, &e) == 0 && !has_rules(removal) && route_remove(&e) == 0;
		if (ended == 0 && removal->gone && !found) {
			calm++;
		} else {
			calm = 0;
			broken += ended != 0;
		}
		if (broken == 3)
			return CTL_ERROR; /* reported already, and a further try would not help */
		poll(NULL, 0, RETRY_PAUSE);
	}
	/* openvpn ended with the daemon. */
	if (calm == CALM_LOOKS)
		return device_delete_all(&e) == 0 ? 0 : ctl_fail(ctl, "%s", e.text);
	firewall_manual_command(manual_command, sizeof manual_command);
	return ctl_fail(ctl, "the rules can't be removed%s%s", e.text[0] != '\0' ? ": " : "",
			ctl_advise(text, sizeof text, &e, NULL, NULL, manual_command));
}

static void print_outcome(const struct removal *removal, bool persist, bool marked)
{
	if (removal->had_rules)
		puts("off: the rules have been removed");
	else
		puts("off: there were no rules to remove");
	if (marked)
		printf("off: stays off until `portcullis up`%s\n", persist ? "" : " or a reboot");
	if (removal->forced > 0)
		printf("off: if names are not resolved: %s\n", platform_dns_manual_command);
	puts("off: NOT PROTECTED: traffic leaves in the clear");
}

/* The rules still stand, so the marker would be wrong: the next start would stay off
 * although nobody has opened the gate. A marker that was there before stays. */
static int withdraw_marker(const struct ctl *ctl, bool was_off)
{
	struct err e = {""};
	char text[1024];

	if (!was_off && off_marker_clear(&e) == -1)
		ctl_fail(ctl, "%s", ctl_advise(text, sizeof text, &e, NULL, NULL, "portcullis up"));
	return CTL_ERROR;
}

static int run_offline(const struct ctl *ctl, bool persist)
{
	struct removal removal = {.fw = NULL};
	struct firewall_features features;
	struct err e = {""};
	bool marked, found, was_off = off_marker_valid();
	char text[1024];
	int result = 0;

	/* The marker first: a daemon that comes back from here on stays off. */
	marked = off_marker_write(persist, &e) == 0;
	if (!marked)
		ctl_fail(ctl, "%s",
			 ctl_advise(text, sizeof text, &e, "the gate will shut again when portcullisd starts",
				    NULL, NULL));
	removal.began = process_now();
	/* First of all: may we use the firewall? If not, trying again does not help. */
	if ((removal.fw = firewall_open_standing(&e)) == NULL ||
	    firewall_probe(removal.fw, &features, &e) == -1) {
		(void)end_daemons(ctl, &removal, &found);
		firewall_close(removal.fw);
		ctl_fail(ctl, "%s", e.text);
		return withdraw_marker(ctl, was_off);
	}
	if (forwarding_end(&e) == -1)
		ctl_fail(ctl, "%s", e.text);
	result = remove_all(ctl, &removal);
	if (result != 0 && !removal.gone)
		result = withdraw_marker(ctl, was_off);
	firewall_close(removal.fw);
	if (result == 0)
		print_outcome(&removal, persist, marked);
	return result == 0 && marked ? 0 : CTL_ERROR;
}

/* Whoever asks for off wants the network back, even if the rules could not be removed. */
int ctl_off_offline(const struct ctl *ctl, bool persist)
{
	struct err e = {""};
	int result;

	if (geteuid() != 0)
		return ctl_fail(ctl, "only root may do this; instead: sudo portcullis off --offline");
	result = run_offline(ctl, persist);
	return strict_boot_undo(&e) == -1 ? ctl_fail(ctl, "%s", e.text) : result;
}

static int run_off(struct ctl *ctl)
{
	struct wire_admin_request request = {.version = WIRE_VERSION, .verb = ADMIN_OFF};
	struct err e = {""};
	bool offline = false;
	const char *value;
	int what;

	while ((what = ctl_args_next(ctl, &value, &e)) >= 0) {
		offline = offline || what == OPTION_OFFLINE;
		request.persist |= what == OPTION_PERSIST;
	}
	if (what != CTL_ARGS_END)
		return ctl_args_stop(ctl, what, value, &e);
	if (offline)
		return ctl_off_offline(ctl, request.persist != 0);
	what = ctl_admin_settled(ctl, &request);
	if (what == CTL_NO_DAEMON)
		ctl_fail(ctl, "if the machine is still shut: portcullis off --offline");
	return what;
}

const struct ctl_command cmd_off = {
    "off",
    "",
    "remove the rules: traffic leaves in the clear; root only",
    "Takes the VPN down and removes our rules, and nothing else: traffic leaves IN THE CLEAR\nuntil "
    "`portcullis up` or a reboot. --offline needs no portcullisd, configuration or state,\nand works even if "
    "a portcullisd is stopped or crashes in a loop; the exit status is 0 even\nif there was nothing to "
    "remove.",
    options,
    sizeof options / sizeof *options,
    run_off,
};
