/* portcullisd: holds the gate. Locks before anything else, and on any doubt. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/shown.h"
#include "base/text.h"
#include "config/command_line.h"
#include "gate/admin_socket.h"
#include "gate/channel.h"
#include "gate/files.h"
#include "gate/gate.h"
#include "gate/portal/hole.h"
#include "gate/reload.h"
#include "gate/seen.h"
#include "gate/verbs.h"
#include "os/firewall/describe.h"
#include "os/host/loop.h"
#include "os/host/off_marker.h"
#include "os/process/daemon.h"
#include "os/route/route.h"
#include "os/route/tun_node.h"
#include "os/service/notify.h"
#include "os/service/strict_boot.h"

/* incomplete: the lock failed, and then another step of the start; there is no driver yet. */
static bool holds_instance, incomplete, stopping;

static void changed_cb(struct gate *changed, enum wire_note note, const char *why)
{
	channel_notify(changed, note, why);
	if (note == NOTE_GATE && changed->state.actual == ACTUAL_OPEN)
		seen_note(changed, true);
	if (incomplete && changed->state.actual != ACTUAL_UNPROTECTED)
		event_base_loopbreak(changed->base);
}

static struct gate gate = {.changed = changed_cb,
			   .openvpn = attempt_effect,
			   .ask = asking_effect,
			   .driver.read = verbs_read_cb,

			   .control_fd = -1,
			   .management_fd = -1,
			   .admin_fd = -1,
			   .captive_dns_fd = -1,
			   .dns = {.interface = gate.config.interface, .tunnel = &gate.attempt.tunnel},
			   .profile.head = -1,
			   .profile.body = -1};

static int print_error(const char *text)
{
	shown_print(stderr, "portcullisd: %s", text);
	return 1;
}

/* Does another portcullisd live, with a verified lock? Then `e` names it. If that can't be found out,
 * locking will fail too. */
static bool is_held_by_other(struct err *e)
{
	int32_t pid = 0;

	if ((gate.fw = firewall_open(gate.config.backend, e)) == NULL)
		return false;
	gate_fill_identities(&gate);
	if (firewall_held(gate.fw, &gate.situation, files_find_instance(&gate), &pid, e) == -1 || pid == 0 ||
	    pid == getpid())
		return false;
	err_set(e, "the gate is held by process %d; nothing was changed", (int)pid);
	return true;
}

/* Locks, and does no more. If that fails and nobody else would lock, the links are set down. */
static int lock_alone(struct err *e)
{
	struct err none = {""};

	if (gate_start(&gate, e) == -1) {
		if (gate.config.links_down && !off_marker_valid() && files_find_instance(&gate) == 0 &&
		    netwatch_links_down(&none) == 0)
			err_prefix(e, "every physical link is set down, because the lock failed");
		return -1;
	}
	err_set(e, "%s", gate.state.actual == ACTUAL_OFF ? "off, by the marker; instead: portcullis up" : "");
	return 0;
}

/* What -L does, and what a start does if its configuration can't be used. */
static int lock_and_leave(struct err *e)
{
	if (is_held_by_other(e))
		return 0;
	return gate.fw == NULL ? -1 : lock_alone(e);
}

static int run_lock(void)
{
	struct err e = {""};

	if (lock_and_leave(&e) == -1)
		return print_error(e.text);
	/* It is not a failure if a live portcullisd holds the gate: shut or VPN only is the promise. */
	shown_print(stdout, "portcullisd: %s", e.text[0] != '\0' ? e.text : "locked and verified");
	if (firewall_note(gate.fw)[0] != '\0')
		print_error(firewall_note(gate.fw));
	return 0;
}

static int run_check(void)
{
	struct err e = {""};

	if (config_check_files(&gate.config, gate.config_file, &e) == -1 ||
	    vet_profile(&gate.config, &gate.profile, &e) == -1) {
		shown_print(stderr, "%s", e.text);
		return 1;
	}
	shown_print(stdout, "%s: fine", gate.config_file);
	shown_print(stdout, "%s: fine, %zu addresses to dial", gate.config.profile,
		    gate.profile.remote_count);
	firewall_describe(gate.config.backend, stdout);
	return 0;
}

static void stop_cb(evutil_socket_t signal_number, short what, void *argument)
{
	(void)signal_number, (void)what, (void)argument;
	stopping = true;
	event_base_loopbreak(gate.base);
}

static void reload_cb(evutil_socket_t signal_number, short what, void *argument)
{
	struct err e = {""};

	(void)signal_number, (void)what, (void)argument;
	if (!incomplete)
		(void)reload(&gate, &e); /* it is logged */
}

/* What was reloaded meanwhile is for the next attempt, and for the driver that dials it. */
static void ended(int status)
{
	attempt_reaped(&gate, status);
	seen_note(&gate, false);
	if (gate.driver.stale)
		driver_renew(&gate);
}

static void child_cb(evutil_socket_t signal_number, short what, void *argument)
{
	int status;
	pid_t pid;

	(void)signal_number, (void)what, (void)argument;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid == gate.attempt.pid)
			ended(status);
		else if (pid == gate.driver.pid)
			driver_restart(&gate);
		else if (pid == gate.driver.signer)
			driver_lost_signer(&gate);
		else if (pid == gate.asking.pid)
			asking_reaped(&gate, status);
		else
			dns_job_reaped(&gate.dns, pid);
	}
}

static void links_cb(void *argument)
{
	gate_links_changed(argument);
	proof_look(argument, "");
}

static void routes_cb(const char *who, void *argument)
{
	proof_look(argument, who);
}

static void reachable_cb(void *argument)
{
	ways_changed(argument, true);
	dns_job_look(&gate.dns, gate.dns.shut);
}

static void ways_cb(void *argument)
{
	ways_changed(argument, false);
}

static void lost_cb(const char *name, unsigned index, void *argument)
{
	(void)name;
	nat64_lost(argument, index);
	if (index == gate.attempt.index && index != 0)
		attempt_kill(&gate, "the tunnel's interface is gone");
}

static void prefix64_cb(const struct net_prefix *prefix, uint32_t seconds, unsigned link, void *argument)
{
	if (nat64_told(argument, prefix, seconds, link))
		ways_changed(argument, true);
}

/* A bypass can't be removed: openvpn is killed, so that nothing is sent that could be redirected. */
static void redirect_cb(void *argument)
{
	struct err e = {""};
	bool redirects = bypass_find(&e) != 0;
	char stamp[TEXT_TIME_SIZE];
	size_t used = 0;

	if (redirects && !gate.redirected) {
		log_error("gate", "%s", e.text);
		text_time(stamp, time(NULL)); /* a new attempt may be under way before anybody looks */
		text_append(gate.redirect, sizeof gate.redirect, &used, "shut at %s: %s", stamp, e.text);
	}
	if (redirects)
		attempt_kill(&gate, e.text);
	else if (gate.redirected)
		ways_changed(argument, true);
	gate.redirected = redirects;
}

/* The lock is read back first of all, and what is missing is put back: while the machine slept, anybody who
 * had its disk or its memory may have changed it. */
static void woke_cb(uint64_t ms, void *argument)
{
	(void)gate_dispatch(&gate, EVENT_PAUSE_OVER, "the machine slept: the pause is over", NULL);
	portal_end(&gate, "the machine slept");
	links_cb(argument);
	ways_woke(argument, ms);
}

static void on_signal(int number, event_callback_fn callback)
{
	event_add(evsignal_new(gate.base, number, callback, NULL), NULL);
}

/* --- the steps of a start once the gate is locked, or known to be unprotected */

static int hold_instance(struct gate *held, struct err *e)
{
	return holds_instance || files_lock_instance(held, e) == 0 ? 0 : -1;
}

static int vet(struct gate *vetted, struct err *e)
{
	return vet_profile(&vetted->config, &vetted->profile, e);
}

/* What is opened here and below lasts as long as the process: nobody closes it. */
static int watch(struct gate *watched, struct err *e)
{
	static const struct netwatch_events events = {links_cb, reachable_cb, ways_cb,
						      lost_cb,  prefix64_cb,  &gate};
	struct err none = {""};

	if (netwatch_open(watched->base, &events, e) == NULL)
		return -1;
	if (sleep_open(watched->base, woke_cb, watched, &none) == NULL)
		log_warn("gate", "sleep can't be detected: %s", none.text);
	ways_look(watched);
	return 0;
}

static int watch_routes(struct gate *watched, struct err *e)
{
	return route_watch(watched->base, routes_cb, watched, e);
}

static int watch_bypasses(struct gate *watched, struct err *e)
{
	return bypass_open(watched->base, redirect_cb, watched, e) == NULL ? -1 : 0;
}

/* Continues with the step that failed. */
static int complete_start(struct err *e)
{
	static int (*const steps[])(struct gate *, struct err *) = {
	    gate_watch, hold_instance, files_prepare,  seen_begin,        vet,
	    watch,      watch_routes,  watch_bypasses, admin_socket_open, reload_watch};
	static size_t done;

	for (; done < sizeof steps / sizeof *steps; done++) {
		if (steps[done](&gate, e) == -1)
			return -1;
	}
	gate_links_changed(&gate); /* links that came before they were watched */
	strict_boot_return(gate.state.actual != ACTUAL_UNPROTECTED);
	return 0;
}

/* SIGTERM: within 1 s the gate is locked and verified, and openvpn and the driver are gone. */
static void stop(void)
{
	pid_t driver = gate.driver.pid, openvpn = gate.attempt.pid;
	int status;

	log_info("gate", "stopping; the gate stays %s", gate.state.actual == ACTUAL_OFF ? "off" : "shut");
	attempt_farewell(&gate);
	portal_end(&gate, "portcullisd stops");
	(void)gate_dispatch(&gate, EVENT_STOP, "stopping", NULL);
	driver_end(&gate);
	if (driver != 0)
		waitpid(driver, &status, 0);
	if (openvpn != 0 && waitpid(openvpn, &status, 0) == openvpn)
		attempt_reaped(&gate, status);
	tun_node_remove();
	(void)gate_dispatch(&gate, EVENT_RETRY, "stopped", NULL);
	seen_note(&gate, false);
	strict_boot_shut(gate.config.strict_boot && gate.state.actual != ACTUAL_OFF);
	dns_job_finish(&gate.dns);
}

/* Another portcullisd lives, and the lock that it should hold can't be verified: it is stopped or stuck,
 * or has another configuration. There must never be two daemons, and never no lock. Always -1: `e` says
 * why this one does not start. */
static int lock_beside(struct err *e)
{
	struct err own = {""};
	char text[sizeof e->text];
	size_t used = 0;
	bool locked = lock_alone(&own) == 0;

	text_append(text, sizeof text, &used, "%s; its lock could not be verified; %s", e->text,
		    own.text[0] != '\0' ? own.text
		    : locked            ? "locked without it"
					: "");
	return err_set(e, "%s", text);
}

/* libevent can't go on. The lock does not need it, and is what is left behind. */
static void fatal_cb(int code)
{
	struct err e = {""};

	(void)code;
	print_error(lock_alone(&e) == -1 ? e.text : "no event loop; locked");
	_exit(1);
}

/* The lock first of all, then what a daemon needs. */
static int start(const struct command_line *options, struct err *e)
{
	struct err unlocked = {""};
	bool locked;
	int held;

	if (is_held_by_other(e))
		return -1;
	gate_fill_identities(&gate);
	locked = gate_start(&gate, &unlocked) == 0;
	fault_point("locked");
	if ((held = files_lock_instance(&gate, e)) == 1)
		return lock_beside(e);
	gate.dns.managed = gate.config.manage_dns;
	gate.log_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (gate.fw == NULL || (gate.base = loop_new(fatal_cb)) == NULL)
		return lock_alone(e) == -1 ? -1 : err_set(e, "no event loop; locked");
	notify_begin(gate.base);
	on_signal(SIGCHLD, child_cb);
	on_signal(SIGTERM, stop_cb);
	on_signal(SIGINT, stop_cb);
	on_signal(SIGHUP, reload_cb);
	log_copy(options->foreground ? STDERR_FILENO : -1);
	gate_begin(&gate, locked ? NULL : &unlocked);
	holds_instance = held == 0;
	if (complete_start(e) == 0)
		return 0;
	if (gate.state.actual != ACTUAL_UNPROTECTED)
		return -1;
	/* If this process exited, nobody would keep trying to lock. */
	log_error("gate", "no driver: %s", e->text);
	incomplete = true;
	return 0;
}

/* The lock is verified at last, and what failed before may work now. If not, this is a failed start like
 * any other. */
static bool completed_late(void)
{
	struct err e = {""};

	if (!incomplete || stopping)
		return false;
	if (complete_start(&e) == -1) {
		log_error("gate", "no start: %s", e.text);
		return false;
	}
	incomplete = false;
	log_info("gate", "the start is complete");
	return true;
}

/* Where openvpn need not be root, root was chosen: the log says what that means. */
static void warn_of_root(void)
{
	if (gate.config.openvpn_user.number == 0 && strcmp(PORTCULLIS_OPENVPN_USER, "root") != 0)
		log_warn("gate", "openvpn-user is root: an openvpn that has been taken over can read and "
				 "write root's files; instead: leave it out (" PORTCULLIS_OPENVPN_USER ")");
}

static int run(const struct command_line *options)
{
	struct err e = {""};
	int ready = -1;

	if (!options->foreground)
		daemon_begin(&ready);
	log_open(-1, gate.config.log_level);
	if (start(options, &e) == -1) {
		log_error("gate", "no start: %s", e.text);
		return print_error(e.text);
	}
	log_info("gate", "portcullisd " PORTCULLIS_VERSION ": %s", wire_gate_word(gate_shown(&gate)));
	if (gate.bare)
		log_error("gate", "%s", gate.reason);
	if (gate.notice[0] != '\0') /* about the lock, from before there was a log */
		log_error("gate", "%s", gate.notice);
	warn_of_root();
	gate_begin_gateway(&gate);
	attempt_clean_earlier(&gate);
	dns_job_look(&gate.dns, gate.state.actual != ACTUAL_OFF);
	if (daemon_ready(ready) == -1)
		log_warn("gate", "the process that waited for the start is gone");
	notify_state(gate.state.actual != ACTUAL_UNPROTECTED, wire_gate_word(gate_shown(&gate)), gate.reason);
	do {
		if (!incomplete)
			driver_start(&gate);
		event_base_dispatch(gate.base);
	} while (completed_late());
	stop();
	return incomplete ? 1 : 0;
}

int main(int argc, char **argv)
{
	struct command_line options;
	struct err e = {""}, locked = {""};
	int code = command_line_read(argc, argv, &options);

	if (code != -1)
		return code;
	daemon_harden();
	config_defaults(&gate.config);
	strncpy(gate.config_file, options.file, sizeof gate.config_file - 1);
	code = config_read(&gate.config, options.file, &e);
	if (options.settings)
		config_print(&gate.config, stdout);
	if (code == -1) {
		shown_print(stderr, "%s", e.text);
		if (options.check)
			return 1;
		/* -L needs no configuration: its exit code is that of the lock. */
		if (options.lock && geteuid() == 0)
			return run_lock();
		/* Whoever holds the gate keeps it; if nobody does, it is locked without a configuration. */
		if (geteuid() == 0 && lock_and_leave(&locked) == -1)
			print_error(locked.text);
		return 1;
	}
	if (options.check)
		return run_check();
	if (geteuid() != 0)
		return print_error("only root can hold the gate; instead: sudo portcullisd");
	return options.lock ? run_lock() : run(&options);
}
