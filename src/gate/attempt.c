/* attempt: the life of one openvpn process, from the dial to cleaning up after it. */
#include "gate/channel.h"
#include "gate/gate.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/nat64.h"
#include "base/secret.h"
#include "base/text.h"
#include "gate/files.h"
#include "os/firewall/bypass.h"
#include "os/host/loop.h"
#include "os/process/child.h"
#include "os/process/pid.h"
#include "os/route/device.h"

/* LEAVE_MS: the hole stays until openvpn has been reaped, this long at most. GOODBYE_MS: openvpn has told the
 * server by then. */
enum { LEAVE_MS = 1500, GOODBYE_MS = 100, OUTPUT_MAX = 64 * 1024 + 1 };

bool attempt_knows(const struct gate_profile *profile, const struct net_endpoint *endpoint)
{
	for (size_t i = 0; i < profile->remote_count; i++) {
		if (net_endpoint_equal(&profile->remotes[i], endpoint))
			return true;
	}
	return false;
}

static bool is_remote(const struct gate *gate, const struct net_endpoint *endpoint)
{
	return attempt_knows(&gate->profile, endpoint) ||
	       names_are_of(&gate->names, &gate->profile, endpoint);
}

/* The remote of the profile that has this endpoint, as it is or by NAT64. False: there is none. */
static bool find_remote(const struct gate *gate, const struct net_endpoint *endpoint,
			struct net_endpoint *remote)
{
	const struct net_prefix nat64 = nat64_prefix(gate);

	*remote = *endpoint;
	return is_remote(gate, remote) ||
	       (nat64_extract(&nat64, &endpoint->address, &remote->address) && is_remote(gate, remote));
}

static int check_dial(const struct gate *gate, const struct net_endpoint *endpoint,
		      struct net_endpoint *remote, struct err *e)
{
	const char *refusal = gate_refusal(gate->state, EVENT_DIAL);

	if (refusal != NULL)
		return err_set(e, "%s", refusal);
	if (bypass_find(e) != 0)
		return -1;
	if (!find_remote(gate, endpoint, remote))
		return err_set(e, "the profile has no such remote");
	/* A device that an earlier attempt of ours left has no openvpn any more: it can go. */
	if (netwatch_taken(gate->config.interface) && device_delete(gate->config.interface, e) == -1)
		return -1;
	if (netwatch_taken(gate->config.interface))
		return err_set(e, "%s exists and is not ours; instead: remove it, or name another interface",
			       gate->config.interface);
	if (!net_address_is_dialable(&endpoint->address) || !net_address_is_dialable(&remote->address))
		return err_set(e, "the address is not valid for a server");
	return 0;
}

/* Creates the tunnel's device, then starts openvpn. 0, or -1 and `e`: then neither exists. */
static int launch(struct gate *gate, struct err *e)
{
	const struct config *config = &gate->config;
	struct attempt *attempt = &gate->attempt;
	struct err none = {""};
	pid_t pid;

	fault_point("dialling");
	if (device_make(config->interface, config->openvpn_user.number, config->openvpn_group.number, e) ==
	    -1)
		return -1;
	fault_point("device-made");
	pid = spawn_openvpn(gate, &attempt->endpoint, &attempt->output, e);
	if (pid == -1) {
		if (device_delete(config->interface, &none) == -1)
			log_warn("gate", "%s", none.text);
		return -1;
	}
	attempt->pid = pid;
	attempt->set = false;
	attempt->why[0] = '\0';
	files_save_attempt(gate, pid, child_started(pid));
	ways_look(gate);
	fault_point("spawned");
	return 0;
}

int attempt_dial(struct gate *gate, const struct net_endpoint *endpoint, struct err *e)
{
	struct attempt *attempt = &gate->attempt;
	char text[NET_ENDPOINT_TEXT], why[WIRE_TEXT];
	struct net_endpoint remote;
	size_t used = 0;

	if (check_dial(gate, endpoint, &remote, e) == -1)
		return -1;
	attempt->endpoint = *endpoint;
	attempt->remote = remote;
	memset(&attempt->tunnel, 0, sizeof attempt->tunnel);
	text_append(why, sizeof why, &used, "dialling %s", net_endpoint_text(endpoint, text));
	return gate_dispatch(gate, EVENT_DIAL, why, e);
}

/* Over UDP openvpn tells the server at the first request, and then waits for a second: in vain, as no answer
 * is due. Another request ends that wait. */
static void deadline_cb(evutil_socket_t fd, short what, void *argument)
{
	struct gate *gate = argument;
	struct attempt *attempt = &gate->attempt;

	(void)fd, (void)what;
	if (attempt->told) {
		attempt_kill(gate, "openvpn did not exit in time");
		return;
	}
	attempt->told = true;
	kill(attempt->pid, SIGTERM);
	loop_arm(gate->base, &attempt->deadline, deadline_cb, gate, LEAVE_MS - GOODBYE_MS);
}

/* The tunnel is shut already; the hole stays so that openvpn can say goodbye to the server. */
static void terminate(struct gate *gate, const char *why)
{
	struct attempt *attempt = &gate->attempt;

	text_copy(attempt->why, sizeof attempt->why, why);
	kill(attempt->pid, SIGTERM);
	attempt->told = false;
	loop_arm(gate->base, &attempt->deadline, deadline_cb, gate, GOODBYE_MS);
}

void attempt_farewell(struct gate *gate)
{
	const struct attempt *attempt = &gate->attempt;
	int descriptor;

	if (gate->state.actual != ACTUAL_OPEN || attempt->endpoint.proto != NET_UDP ||
	    gate_dispatch(gate, EVENT_LEAVE, "stopping", NULL) == -1)
		return;
	if ((descriptor = pid_open(attempt->pid)) == -1)
		return;
	(void)pid_ended(descriptor, GOODBYE_MS);
	close(descriptor);
}

int attempt_effect(struct gate *gate, enum gate_effect effect, const char *why, struct err *e)
{
	struct attempt *attempt = &gate->attempt;

	if (effect == EFFECT_LAUNCH)
		return launch(gate, e);
	if (attempt->pid == 0)
		return 0;
	if (effect == EFFECT_TERMINATE) {
		terminate(gate, why);
		return 0;
	}
	if (attempt->why[0] == '\0')
		text_copy(attempt->why, sizeof attempt->why, why);
	kill(attempt->pid, SIGKILL);
	return 0;
}

void attempt_kill(struct gate *gate, const char *why)
{
	(void)gate_dispatch(gate, EVENT_KILL, why, NULL);
}

unsigned attempt_verify_tunnel(const struct gate *gate, const struct wire_tunnel *tunnel, struct err *e)
{
	unsigned index = 0;

	if (!child_holds_interface(gate->attempt.pid, tunnel->name))
		err_set(e, "the interface is not our openvpn's");
	else if (netwatch_tunnel(tunnel->name, &tunnel->address4, &tunnel->address6, &index, e) == -1)
		return 0;
	return index;
}

/* The option that openvpn refused, or the last line that it printed: the only trace of an early end. One
 * read returns all that the pipe holds. */
static void read_last_line(int output, char *to, size_t size)
{
	static char buffer[OUTPUT_MAX];
	ssize_t got = read(output, buffer, sizeof buffer - 1);
	char *line = buffer, *end;

	buffer[got > 0 ? got : 0] = '\0';
	while ((end = strrchr(buffer, '\n')) != NULL && end[1] == '\0')
		*end = '\0';
	if ((end = strstr(buffer, "Options error:")) != NULL)
		line = end;
	else if ((end = strrchr(buffer, '\n')) != NULL)
		line = end + 1;
	line[strcspn(line, "\n")] = '\0';
	text_copy(to, size, secret_masked(line));
}

static void describe_end(struct attempt *attempt, int status, bool was_open)
{
	char line[WIRE_TEXT / 2];
	size_t used = 0;

	read_last_line(attempt->output, line, sizeof line);
	/* This is the cause, whoever was the first to notice that openvpn is gone. */
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS) {
		text_copy(attempt->why, sizeof attempt->why,
			  "openvpn was killed for a system call that it may not make; instead: set "
			  "openvpn-user = \"root\" if an option needs it");
		log_error("gate", "%s", attempt->why);
	}
	if (attempt->why[0] != '\0')
		return;
	if (WIFSIGNALED(status))
		text_append(attempt->why, sizeof attempt->why, &used, "openvpn was ended by signal %d",
			    WTERMSIG(status));
	else
		text_append(attempt->why, sizeof attempt->why, &used, "openvpn exited with code %d%s%s",
			    WEXITSTATUS(status), was_open || line[0] == '\0' ? "" : ": ",
			    was_open ? "" : line);
}

static void forget_tunnel(struct gate *gate)
{
	struct attempt *attempt = &gate->attempt;

	dns_job_want(&gate->dns, false);
	files_save_attempt(gate, 0, 0);
	memset(&attempt->endpoint, 0, sizeof attempt->endpoint);
	memset(&attempt->tunnel, 0, sizeof attempt->tunnel);
	memset(&attempt->remote, 0, sizeof attempt->remote);
	attempt->index = 0;
	/* Row 2 applies only as long as openvpn lives. */
	memset(&gate->situation.tunnel.address4, 0, sizeof gate->situation.tunnel.address4);
	memset(&gate->situation.tunnel.address6, 0, sizeof gate->situation.tunnel.address6);
	gate->situation.tunnel.index = 0;
	gate->situation.tunnel.network_count = 0;
}

void attempt_reaped(struct gate *gate, int status)
{
	struct attempt *attempt = &gate->attempt;
	enum gate_event awaited;
	struct err e = {""};
	char why[WIRE_TEXT];

	attempt->pid = 0; /* from now on another process may have this number */
	/* The lock comes first; everything else can wait. */
	text_copy(why, sizeof why, attempt->why[0] != '\0' ? attempt->why : "openvpn has ended");
	(void)gate_dispatch(gate, EVENT_REAPED, why, NULL);
	fault_point("reaped");
	describe_end(attempt, status, gate->situation.tunnel.index != 0);
	if (attempt->deadline != NULL)
		evtimer_del(attempt->deadline);
	close(attempt->output);
	forget_tunnel(gate);
	if (gate->state.actual == ACTUAL_LOCKED) {
		gate_links_changed(gate);
		(void)gate_route(gate, false, NULL); /* if it fails, the flip has logged why */
	}
	text_copy(why, sizeof why, attempt->why);
	attempt->why[0] = '\0';
	channel_notify(gate, NOTE_ENDED, why);
	/* This takes some milliseconds, in which the driver already decides what comes next. Whatever its
	 * name is now: under another one it would keep the tunnel's address. */
	if (device_delete_all(&e) == -1)
		log_warn("gate", "cleaning up after openvpn: %s", e.text);
	if ((awaited = gate_awaited(gate->state)) != GATE_EVENTS)
		(void)gate_dispatch(gate, awaited, "off, by root's command", NULL);
}

/* Removes what an earlier run of ours left behind if it was killed. */
void attempt_clean_earlier(struct gate *gate)
{
	struct net_endpoint endpoint;
	struct err e = {""};
	uint64_t started;
	pid_t pid;

	if (!files_read_attempt(gate, &pid, &started, &endpoint))
		return;
	log_warn("gate", "cleaning up after an earlier run");
	if (child_end(pid, started) == -1)
		log_error("gate", "an earlier openvpn (pid %d) can't be ended", (int)pid);
	if (netwatch_clean(&endpoint, &e) == -1)
		log_warn("gate", "clean-up: %s", e.text);
	if (device_delete_all(&e) == -1)
		log_warn("gate", "clean-up: %s", e.text);
	dns_job_want(&gate->dns, false);
	files_save_attempt(gate, 0, 0);
}
