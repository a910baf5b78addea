/* gate: how openvpn's packets leave now. */
#include "gate/ways.h"
#include "gate/gate.h"

#include <string.h>

#include "base/limit.h"
#include "base/log.h"
#include "os/host/clock.h"
#include "os/route/route.h"

/* GATHER_MS: an address comes a moment before its routes. LOOKS: remotes of one family; they are alike. */
enum { GATHER_MS = 20, LOOKS = 8 };

static int way_to(const struct gate *gate, const struct net_address *to, struct wire_way *way)
{
	return netwatch_way(to, gate->config.openvpn_user.number, gate->config.interface, way, NULL);
}

static bool leads_to(const struct gate *gate, uint8_t family, const struct net_address *address, int *looks)
{
	struct wire_way way;

	if (address->family != family || *looks == LOOKS)
		return false;
	(*looks)++;
	/* While shut, root's own lookups end in our table, and tell nothing about the network. */
	if (gate->config.openvpn_user.known && gate->config.openvpn_user.number == 0)
		return true;
	return way_to(gate, address, &way) != 0;
}

/* Does any route lead to a remote by that family? What can't be found out is no reason not to try. */
static bool leads(const struct gate *gate, uint8_t family)
{
	int looks = 0;

	for (size_t i = 0; i < gate->profile.remote_count; i++) {
		if (leads_to(gate, family, &gate->profile.remotes[i].address, &looks))
			return true;
	}
	for (size_t i = 0; i < gate->names.count; i++) {
		const struct wire_name *name = &gate->names.list[i];

		for (size_t j = 0; j < WIRE_FRESH; j++) {
			if (leads_to(gate, family, &name->fresh[j], &looks))
				return true;
		}
		for (size_t j = 0; j < WIRE_GOOD; j++) {
			if (leads_to(gate, family, &name->good[j], &looks))
				return true;
		}
	}
	return false;
}

static void look_for_attempt(struct gate *gate)
{
	static struct limit complaints;
	struct ways *ways = &gate->ways;
	struct wire_way way;
	struct err e = {""};
	int found;

	if (ways->pid != gate->attempt.pid)
		memset(&ways->began, 0, sizeof ways->began);
	ways->pid = gate->attempt.pid;
	found = ways->pid == 0 ? 0 : way_to(gate, &gate->attempt.endpoint.address, &way);
	if (found == -1)
		return;
	if (found == 0 || !netwatch_carries(way.link)) {
		memset(&ways->now, 0, sizeof ways->now);
		return;
	}
	if (gate->state.actual == ACTUAL_OPEN &&
	    route_follow(&gate->attempt.endpoint.address, &way, &e) == -1 &&
	    limit_allows(&complaints, (uint64_t)clock_steady_ms(), NULL))
		log_warn("gate", "the server's own route can't follow the network: %s", e.text);
	if (ways->began.family == NET_NONE)
		ways->began = way.local;
	way.kept =
	    net_address_equal(&ways->began, &way.local) || netwatch_has_address(way.link, &ways->began);
	ways->now = way;
}

void ways_look(struct gate *gate)
{
	look_for_attempt(gate);
	gate->ways.now.no_way = (leads(gate, NET_IPV4) ? 0 : NO_WAY4) | (leads(gate, NET_IPV6) ? 0 : NO_WAY6);
}

static void due_cb(evutil_socket_t fd, short what, void *argument)
{
	struct gate *gate = argument;
	struct wire_way before = gate->ways.now;
	bool worth = gate->ways.worth;

	(void)fd, (void)what;
	gate->ways.worth = false;
	ways_look(gate);
	if (worth)
		gate->changed(gate, NOTE_NETWORK,
			      gate->ways.slept != 0 ? "the machine woke" : "the network has changed");
	else if (memcmp(&before, &gate->ways.now, sizeof before) != 0)
		gate->changed(gate, NOTE_WAY, "");
	gate->ways.slept = 0;
}

void ways_changed(struct gate *gate, bool worth)
{
	struct ways *ways = &gate->ways;
	struct timeval gather = clock_timeval(GATHER_MS);

	ways->worth |= worth;
	if (ways->due == NULL)
		ways->due = evtimer_new(gate->base, due_cb, gate);
	if (!evtimer_pending(ways->due, NULL))
		evtimer_add(ways->due, &gather);
}

void ways_woke(struct gate *gate, uint64_t ms)
{
	gate->ways.slept += ms;
	ways_changed(gate, true);
}
