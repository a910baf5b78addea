/* A gate without a kernel: stand-ins for the ports while its sockets are fuzzed. */
#include "gate_stub.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/text.h"
#include "gate/channel.h"
#include "gate/files.h"
#include "gate/reload.h"
#include "os/host/off_marker.h"
#include "os/process/child.h"
#include "os/process/peer.h"
#include "os/route/device.h"
#include "os/route/forwarding.h"
#include "os/route/route.h"

enum { NO_SUCH_PID = 0x3fffffff }; /* above every kernel's pid_max */

static bool marker;
char stub_calls[512];
const char *stub_fails = "";

/* 0, or -1 and `e` if it shall fail. */
static int called(const char *word, struct err *e)
{
	size_t used = strlen(stub_calls);

	text_append(stub_calls, sizeof stub_calls, &used, "%s ", word);
	return strstr(stub_fails, word) != NULL ? err_set(e, "%s fails", word) : 0;
}

struct firewall *firewall_open(const char *backend, struct err *e)
{
	(void)backend;
	(void)e;
	return NULL;
}

int firewall_assert(struct firewall *fw, const struct situation *s, struct err *e)
{
	static const char *const words[] = {
	    [POLICY_LOCKED] = "lock", [POLICY_DIALLING] = "dialling", [POLICY_OPEN] = "open"};

	(void)fw;
	/* The real one refuses this too: policy_check. */
	if (s->state != POLICY_LOCKED && s->endpoint.address.family == NET_NONE &&
	    (s->state != POLICY_DIALLING || s->resolver.family == NET_NONE))
		abort();
	if (s->resolver.family != NET_NONE &&
	    (s->state != POLICY_DIALLING || s->endpoint.address.family != NET_NONE))
		abort(); /* nobody is dialled while names are asked for */
	if (s->state == POLICY_OPEN && s->tunnel.address4.family == NET_NONE &&
	    s->tunnel.address6.family == NET_NONE)
		abort();
	return called(words[s->state], e);
}

int firewall_pause(struct firewall *fw, uint32_t seconds, struct err *e)
{
	(void)fw, (void)seconds;
	return called("pause", e);
}

bool firewall_has_portals(const struct firewall *fw)
{
	(void)fw;
	return true;
}

int firewall_forget_states(struct firewall *fw, struct err *e)
{
	(void)fw;
	return called("forget", e);
}

int firewall_remove(struct firewall *fw, struct err *e)
{
	(void)fw;
	return called("remove", e);
}

int firewall_remove_others(const struct firewall *fw, struct err *e)
{
	(void)fw;
	(void)e;
	return 0;
}

int bypass_find(struct err *e)
{
	(void)e;
	return 0;
}

const char *firewall_note(const struct firewall *fw)
{
	(void)fw;
	return "";
}

int firewall_blocked(struct firewall *fw, uint64_t *packets, struct err *e)
{
	(void)fw, (void)e;
	*packets = 0;
	return 0;
}

int firewall_watch(struct firewall *fw, struct event_base *base, firewall_foreign_cb *cb, void *argument,
		   struct err *e)
{
	(void)fw, (void)base, (void)cb, (void)argument, (void)e;
	return 0;
}

int forwarding_begin(struct err *e)
{
	(void)e;
	return 0;
}

int forwarding_end(struct err *e)
{
	(void)e;
	return 0;
}

int netwatch_fill(struct situation *s, const char *tunnel, struct err *e)
{
	(void)s, (void)tunnel, (void)e;
	return 0;
}

int netwatch_way(const struct net_address *to, uint32_t user, const char *tunnel, struct wire_way *way,
		 struct err *e)
{
	(void)to, (void)user, (void)tunnel, (void)way;
	return err_set(e, "nobody looks");
}

bool netwatch_carries(unsigned link)
{
	return link != 0;
}

bool netwatch_has_address(unsigned link, const struct net_address *address)
{
	return link != 0 && address->family != NET_NONE;
}

int netwatch_tunnel(const char *name, const struct net_address *address4, const struct net_address *address6,
		    unsigned *index, struct err *e)
{
	(void)name, (void)address4, (void)address6, (void)e;
	*index = 7;
	return 0;
}

int netwatch_links_down(struct err *e)
{
	return called("links-down", e);
}

int netwatch_links_restore(struct err *e)
{
	(void)e;
	return 0;
}

int netwatch_clean(const struct net_endpoint *endpoint, struct err *e)
{
	(void)endpoint, (void)e;
	return 0;
}

unsigned netwatch_index(const char *name)
{
	(void)name;
	return 0;
}

bool netwatch_taken(const char *name)
{
	(void)name;
	return false;
}

int device_make(const char *name, uint32_t uid, uint32_t gid, struct err *e)
{
	(void)name, (void)uid, (void)gid, (void)e;
	return 0;
}

/* The real one refuses this too. */
int device_set(const struct wire_tunnel *tunnel, struct err *e)
{
	return tunnel->mtu != 0 ? 0 : err_set(e, "openvpn has not reported the tunnel's MTU");
}

int device_delete(const char *name, struct err *e)
{
	(void)name, (void)e;
	return 0;
}

int device_delete_all(struct err *e)
{
	(void)e;
	return 0;
}

int route_follow(const struct net_address *endpoint, const struct wire_way *way, struct err *e)
{
	(void)endpoint, (void)way, (void)e;
	return 0;
}

int route_assert(const struct route_desired *desired, struct err *e)
{
	(void)e;
	if (desired->tunnel != NULL && desired->index == 0)
		abort();
	return 0;
}

int route_prove(const struct route_desired *desired, struct err *e)
{
	(void)desired, (void)e;
	return 0;
}

bool route_reaches(const struct route_desired *desired)
{
	(void)desired;
	return true;
}

int route_remove(struct err *e)
{
	(void)e;
	return 0;
}

bool child_holds_interface(pid_t pid, const char *name)
{
	(void)pid, (void)name;
	return true;
}

bool child_became(pid_t pid, uint32_t uid)
{
	(void)pid, (void)uid;
	return true;
}

uint64_t child_started(pid_t pid)
{
	(void)pid;
	return 1;
}

int child_end(pid_t pid, uint64_t started)
{
	(void)pid, (void)started;
	return 0;
}

pid_t spawn_openvpn(struct gate *gate, const struct net_endpoint *endpoint, int *output, struct err *e)
{
	(void)gate, (void)endpoint;
	if (called("spawn", e) == -1)
		return -1;
	*output = open("/dev/null", O_RDONLY | O_NONBLOCK);
	return NO_SUCH_PID;
}

void dns_job_want(struct dns_job *job, bool set)
{
	(void)job, (void)set;
}

void dns_job_look(struct dns_job *job, bool shut)
{
	(void)job, (void)shut;
}

bool names_can_ask(const struct gate *gate)
{
	(void)gate;
	return true;
}

int asking_check(struct gate *gate, struct err *e)
{
	return gate->asking.pid == 0 ? 0 : err_set(e, "the resolver is being asked");
}

static int stub_ask(struct gate *gate, bool begin, struct err *e)
{
	if (begin && called("ask", e) == -1)
		return -1;
	gate->asking.pid = begin ? NO_SUCH_PID : 0;
	return 0;
}

void asking_begin(struct gate *gate)
{
	(void)gate;
}

bool names_are_of(const struct names *names, const struct gate_profile *profile,
		  const struct net_endpoint *endpoint)
{
	(void)names, (void)profile, (void)endpoint;
	return false;
}

void asking_proven(struct gate *gate)
{
	(void)gate;
}

void files_save_intent(struct gate *gate)
{
	(void)gate;
}

void files_save_attempt(struct gate *gate, pid_t pid, uint64_t started)
{
	(void)gate, (void)pid, (void)started;
}

bool files_read_attempt(struct gate *gate, pid_t *pid, uint64_t *started, struct net_endpoint *endpoint)
{
	(void)gate, (void)pid, (void)started, (void)endpoint;
	return false;
}

bool off_marker_valid(void)
{
	return marker;
}

int off_marker_write(bool persist, struct err *e)
{
	(void)persist;
	if (called("mark", e) == -1)
		return -1;
	marker = true;
	return 0;
}

int off_marker_clear(struct err *e)
{
	(void)e;
	marker = false;
	return 0;
}

int peer_of(int descriptor, struct peer *peer)
{
	(void)descriptor;
	memset(peer, 0, sizeof *peer);
	return 0;
}

bool peer_is_allowed(const struct peer *peer, int64_t gid)
{
	(void)peer, (void)gid;
	return true;
}

void driver_end(struct gate *gate)
{
	if (gate->driver.pid == 0)
		return;
	gate->driver.pid = 0;
	attempt_kill(gate, "the driver has ended");
}

void driver_restart(struct gate *gate)
{
	driver_end(gate);
}

int reload(struct gate *gate, struct err *e)
{
	(void)gate;
	return err_set(e, "no profile");
}

void stub_gate(struct gate *gate, int *peer)
{
	static struct net_endpoint remote = {.port = 1194, .proto = NET_UDP};
	struct err e = {""};
	int pair[2];

	memset(gate, 0, sizeof *gate);
	net_address_parse("192.0.2.1", &remote.address);
	gate->changed = channel_notify;
	gate->openvpn = attempt_effect;
	gate->ask = stub_ask;
	log_open(-1, LOG_ERROR);
	marker = false;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) == -1)
		abort();
	gate->base = event_base_new();
	memcpy(gate->config.interface, "tun0", 5);
	gate->config.openvpn_group.number = 777;
	gate->situation.portal.group = (struct identity){.known = true, .number = 779};
	gate->profile = (struct gate_profile){.head = -1, .body = -1, .remotes = &remote, .remote_count = 1};
	net_address_parse("192.0.2.53", &gate->config.resolver);
	gate->state.desired = DESIRED_UP;
	gate->driver.pid = NO_SUCH_PID - 1;
	gate->driver.channel = pair[0];
	gate->fw = (struct firewall *)gate; /* never looked into: the stand-ins ignore it */
	stub_fails = "";
	if (gate_start(gate, &e) == -1)
		abort();
	gate_begin(gate, NULL);
	stub_calls[0] = '\0';
	*peer = pair[1];
}

void stub_check(const struct gate *gate)
{
	bool alive = gate->attempt.pid != 0;
	bool dialled = gate->state.actual == ACTUAL_DIALLING || gate->state.actual == ACTUAL_LEAVING;

	if (gate->state.actual == ACTUAL_OPEN && (!alive || gate->situation.tunnel.index == 0))
		abort();
	if (dialled &&
	    (!alive || gate->attempt.endpoint.port != 1194 || gate->attempt.endpoint.proto != NET_UDP ||
	     !net_address_is_dialable(&gate->attempt.endpoint.address)))
		abort();
	if ((gate->state.actual == ACTUAL_ASKING) != (gate->situation.resolver.family != NET_NONE) ||
	    (gate->state.actual == ACTUAL_ASKING && (alive || gate->asking.pid == 0)))
		abort();
	if ((gate->state.actual == ACTUAL_ENDING) > alive || (gate->state.actual == ACTUAL_LOCKED && alive))
		abort();
	if (gate_shown(gate) == GATE_LOCKED && gate->situation.endpoint.address.family != NET_NONE)
		abort();
	if (gate->situation.portal.until != 0 &&
	    ((gate_shown(gate) != GATE_LOCKED && gate_shown(gate) != GATE_DIALLING) ||
	     gate->situation.portal.user == 0 || !evtimer_pending(gate->portal_end, NULL)))
		abort();
}

void stub_end(struct gate *gate, int peer)
{
	if (gate->attempt.pid != 0)
		close(gate->attempt.output);
	if (gate->attempt.deadline != NULL)
		event_free(gate->attempt.deadline);
	if (gate->portal_end != NULL)
		event_free(gate->portal_end);
	event_free(gate->retry);
	event_free(gate->pause_end);
	event_base_free(gate->base);
	close(gate->driver.channel);
	close(peer);
}
