/* verbs: what the driver may ask for, a closed list of fixed-size messages; each value is checked before
 * it has any effect. */
#include "gate/verbs.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>

#include "base/fault.h"
#include "base/limit.h"
#include "base/text.h"
#include "gate/channel.h"
#include "gate/gate.h"
#include "os/host/clock.h"
#include "os/process/child.h"
#include "os/route/device.h"

/* The endpoint must not be in this network: openvpn's own packets would go round in circles. */
static bool holds_endpoint(const struct gate *gate, const struct net_address *address, uint8_t length)
{
	const struct net_prefix network = {*address, length};

	return net_prefix_contains(&network, &gate->attempt.endpoint.address);
}

/* Checks all that the driver requests for the tunnel: name, addresses, networks. */
static int check_tunnel(const struct gate *gate, const struct wire_tunnel *tunnel, struct err *e)
{
	if (gate->state.actual != ACTUAL_DIALLING)
		return err_set(e, "our openvpn is not running");
	if (wire_check_tunnel(tunnel, e) == -1)
		return -1;
	if (strcmp(tunnel->name, gate->config.interface) != 0)
		return err_set(e, "the interface is not ours");
	if (holds_endpoint(gate, &tunnel->address4, tunnel->length4 > 0 ? tunnel->length4 : 32) ||
	    holds_endpoint(gate, &tunnel->address6, tunnel->length6 > 0 ? tunnel->length6 : 128) ||
	    holds_endpoint(gate, &tunnel->peer4, 32))
		return err_set(e, "the endpoint is inside the tunnel");
	for (size_t i = 0; i < WIRE_NETWORKS; i++) {
		const struct net_prefix *network = &tunnel->networks[i];

		if (network->length > 0 && holds_endpoint(gate, &network->address, network->length))
			return err_set(e, "the endpoint is inside the tunnel");
	}
	return 0;
}

/* Sets the device once per attempt: after that, openvpn may only report the same again. */
static int set_device(struct gate *gate, const struct wire_tunnel *tunnel, struct err *e)
{
	struct attempt *attempt = &gate->attempt;

	if (attempt->set && memcmp(tunnel, &attempt->tunnel, offsetof(struct wire_tunnel, networks)) != 0)
		return err_set(e, "openvpn reports other addresses or routes than before");
	if (!attempt->set && !child_holds_interface(attempt->pid, tunnel->name))
		return err_set(e, "the interface is not our openvpn's");
	if (!attempt->set && device_set(tunnel, e) == -1)
		return -1;
	attempt->set = true;
	fault_point("device-set");
	return 0;
}

_Static_assert((int)WIRE_NETWORKS <= (int)SITUATION_NETWORKS, "all of them have room");

/* Puts into the situation what the driver requests; asserts nothing yet. */
static void apply_tunnel(struct gate *gate, const struct wire_tunnel *tunnel)
{
	struct situation *s = &gate->situation;

	if (!net_address_equal(&tunnel->address4, &s->tunnel.address4) ||
	    !net_address_equal(&tunnel->address6, &s->tunnel.address6))
		gate->attempt.index = 0; /* must be proven again */
	gate->attempt.tunnel = *tunnel;
	s->tunnel.address4 = tunnel->address4;
	s->tunnel.address6 = tunnel->address6;
	s->tunnel.network_count = 0;
	for (size_t i = 0; i < WIRE_NETWORKS; i++) {
		if (tunnel->networks[i].address.family != NET_NONE)
			s->tunnel.networks[s->tunnel.network_count++] = tunnel->networks[i];
	}
}

/* The tunnel's address is known: from here on row 2 applies. */
static int verb_address(struct gate *gate, const struct wire_tunnel *tunnel, struct err *e)
{
	struct err not_yet = {""};

	if (gate->state.actual == ACTUAL_OPEN)
		return err_set(e, "the gate is open: its tunnel's addresses stay");
	if (check_tunnel(gate, tunnel, e) == -1)
		return -1;
	if (gate->attempt.set)
		return set_device(gate, tunnel, e);
	apply_tunnel(gate, tunnel);
	if (firewall_assert(gate->fw, &gate->situation, e) == -1) {
		(void)gate_dispatch(gate, EVENT_DISTURBED, "the tunnel's address can't be protected", NULL);
		return -1;
	}
	/* The second wall, too: what has this address goes nowhere yet. */
	if (gate_route(gate, false, e) == -1 || set_device(gate, tunnel, e) == -1)
		return -1;
	gate->attempt.index = attempt_verify_tunnel(gate, tunnel, &not_yet);
	return 0;
}

/* What was proven before is proven again: whoever creates a link can choose its index. */
static int verb_open(struct gate *gate, const struct wire_tunnel *tunnel, struct err *e)
{
	const char *refusal = gate_refusal(gate->state, EVENT_OPEN);
	char why[WIRE_TEXT], address[NET_ADDRESS_TEXT];
	size_t used = 0;

	if (refusal != NULL)
		return err_set(e, "%s", refusal);
	if (check_tunnel(gate, tunnel, e) == -1)
		return -1;
	if (!child_became(gate->attempt.pid, gate->config.openvpn_user.number))
		return err_set(e, "openvpn has not changed to openvpn-user yet");
	if (set_device(gate, tunnel, e) == -1)
		return -1;
	apply_tunnel(gate, tunnel);
	if ((gate->attempt.index = attempt_verify_tunnel(gate, tunnel, e)) == 0 ||
	    gate_route(gate, true, e) == -1 || proof_open(gate, e) == -1)
		return -1;
	fault_point("routes-set");
	gate->situation.tunnel.index = gate->attempt.index;
	net_address_text(tunnel->address4.family != NET_NONE ? &tunnel->address4 : &tunnel->address6,
			 address);
	text_append(why, sizeof why, &used, "the tunnel %s with %s is up", tunnel->name, address);
	if (gate_dispatch(gate, EVENT_OPEN, why, e) == -1)
		return err_set(e, "the gate can't be opened");
	dns_job_want(&gate->dns, true);
	asking_proven(gate);
	return 0;
}

static void serve_verb(struct gate *gate, struct wire_request *request)
{
	static struct limit refusals; /* a captured driver may ask without end */
	struct err e = {""};
	int result = 0;

	switch ((enum wire_verb)request->verb) {
	case VERB_READY:
		channel_notify(gate, NOTE_HELLO, gate->reason);
		asking_begin(gate);
		channel_notify(gate, NOTE_INTENT, gate->reason);
		return;
	case VERB_COUNT:
		if (firewall_blocked(gate->fw, &gate->blocked, &e) == -1)
			log_warn("gate", "blocked packets can't be counted: %s", e.text);
		channel_notify(gate, NOTE_COUNT, "");
		return;
	case VERB_DIAL:
		if ((result = proof_dial(gate, &e)) == 0 &&
		    (result = attempt_dial(gate, &request->endpoint, &e)) == 0)
			channel_notify(gate, NOTE_DIALLING, "");
		break;
	case VERB_ADDRESS:
		result = verb_address(gate, &request->tunnel, &e);
		break;
	case VERB_OPEN:
		if ((result = verb_open(gate, &request->tunnel, &e)) == 0)
			channel_notify(gate, NOTE_OPEN, "");
		break;
	case VERB_ASK:
		if (asking_check(gate, &e) == -1 ||
		    gate_dispatch(gate, EVENT_ASK, "the resolver is asked for the servers' names", &e) == -1)
			channel_notify(gate, NOTE_ASKED, e.text);
		return;
	case VERB_LEAVE:
		if (gate->attempt.pid == 0)
			channel_notify(gate, NOTE_ENDED, "there was no attempt");
		(void)gate_dispatch(gate, EVENT_LEAVE, "the driver ends the attempt", NULL);
		break;
	default:
		log_error("gate", "the driver sent the unknown verb %u: it is ended", request->verb);
		driver_restart(gate);
		return;
	}
	if (result == -1) {
		if (limit_allows(&refusals, (uint64_t)clock_steady_ms(), NULL))
			log_warn("gate", "the driver's verb %u is refused: %s", request->verb, e.text);
		channel_notify(gate, NOTE_REFUSED, e.text);
	}
}

void verbs_read_cb(evutil_socket_t fd, short what, void *argument)
{
	struct gate *gate = argument;
	struct driver_process *driver = &gate->driver;
	char *into = (char *)&driver->request;
	ssize_t got = recv(fd, into + driver->filled, sizeof driver->request - driver->filled, MSG_DONTWAIT);

	(void)what;
	if (got == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got <= 0) {
		driver_restart(gate);
		return;
	}
	driver->filled += (size_t)got;
	/* The version is checked before the rest has arrived: another build's requests may be shorter. */
	if (driver->filled >= sizeof driver->request.version && driver->request.version != WIRE_VERSION) {
		log_error("gate",
			  "the driver has another version, and is ended; instead: install both together");
		driver_restart(gate);
		return;
	}
	if (driver->filled < sizeof driver->request)
		return;
	driver->filled = 0;
	serve_verb(gate, &driver->request);
}
