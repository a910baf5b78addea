/* gate: how openvpn's packets leave now. */
#include "gate/ways.h"
#include "gate/gate.h"

#include <string.h>

#include "base/limit.h"
#include "base/log.h"
#include "base/nat64.h"
#include "os/host/clock.h"
#include "os/host/loop.h"
#include "os/route/route.h"

/* GATHER_MS: an address comes a moment before its routes. LOOKS: remotes of one family; they are alike.
 * GUESS_AFTER_MS: most networks have IPv4, which DHCP brings some seconds after IPv6. */
enum { GATHER_MS = 20, LOOKS = 8, ASK_AGAIN_MS = 60000, GUESS_AFTER_MS = 5000 };

static bool is_told(const struct gate *gate)
{
	return clock_steady_ms() < gate->ways.nat64.until;
}

/* Is the prefix neither root's nor a router's? */
static bool is_guess(const struct gate *gate)
{
	return gate->config.nat64.length == 0 && !is_told(gate);
}

struct net_prefix nat64_prefix(const struct gate *gate)
{
	if (gate->config.nat64_off)
		return (struct net_prefix){.length = 0};
	if (gate->config.nat64.length > 0)
		return gate->config.nat64;
	return is_told(gate) ? gate->ways.nat64.told : nat64_well_known;
}

bool nat64_told(struct gate *gate, const struct net_prefix *prefix, uint32_t seconds, unsigned link)
{
	struct nat64 *nat64 = &gate->ways.nat64;
	bool same = memcmp(&nat64->told, prefix, sizeof *prefix) == 0, was_told = is_told(gate);

	if (!nat64_is_prefix(prefix) || (seconds == 0 && !same))
		return false;
	nat64->told = *prefix;
	nat64->link = link;
	nat64->until = clock_steady_ms() + (int64_t)seconds * 1000;
	return !same || was_told != is_told(gate);
}

void nat64_lost(struct gate *gate, unsigned link)
{
	if (gate->ways.nat64.link == link)
		memset(&gate->ways.nat64, 0, sizeof gate->ways.nat64);
}

/* The prefix matters, and packets to it leave by `link`: asks its routers, if none has said anything, once a
 * minute at most. */
static void nat64_wanted(struct gate *gate, unsigned link)
{
	int64_t now = clock_steady_ms(), *asked = &gate->ways.nat64.asked;

	if (!is_guess(gate) || (*asked != 0 && now - *asked < ASK_AGAIN_MS))
		return;
	*asked = now;
	netwatch_solicit(link);
}

static int way_to(const struct gate *gate, const struct net_address *to, struct wire_way *way)
{
	return netwatch_way(to, gate->config.openvpn_user.number, gate->config.interface, way, NULL);
}

/* What is looked for: remotes of a family; with a prefix, by the IPv6 addresses that stand for them. */
struct look {
	uint8_t family;
	const struct net_prefix *nat64; /* NULL: as they are */
	int looks;
	unsigned link; /* of the way that was found */
};

static bool leads_to(const struct gate *gate, const struct net_address *address, struct look *look)
{
	struct net_address to = *address;
	struct wire_way way = {.link = 0};
	int found;

	if (address->family != look->family || look->looks == LOOKS)
		return false;
	look->looks++;
	/* While shut, root's own lookups end in our table, and tell nothing about the network. */
	if (gate->config.openvpn_user.known && gate->config.openvpn_user.number == 0)
		return true;
	if (look->nat64 != NULL)
		to = nat64_embed(look->nat64, address);
	found = way_to(gate, &to, &way);
	look->link = way.link;
	return found != 0;
}

/* Does any route lead to such a remote? What can't be found out is no reason not to try. */
static bool leads(const struct gate *gate, struct look *look)
{
	for (size_t i = 0; i < gate->profile.remote_count; i++) {
		if (leads_to(gate, &gate->profile.remotes[i].address, look))
			return true;
	}
	for (size_t i = 0; i < gate->names.count; i++) {
		const struct wire_name *name = &gate->names.list[i];

		for (size_t j = 0; j < WIRE_FRESH; j++) {
			if (leads_to(gate, &name->fresh[j], look))
				return true;
		}
		for (size_t j = 0; j < WIRE_GOOD; j++) {
			if (leads_to(gate, &name->good[j], look))
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

static bool leads_by_nat64(struct gate *gate, const struct net_prefix *prefix)
{
	struct look look = {.family = NET_IPV4, .nat64 = prefix};

	if (prefix->length == 0 || !leads(gate, &look))
		return false;
	nat64_wanted(gate, look.link);
	return true;
}

static void guess_cb(evutil_socket_t fd, short what, void *argument)
{
	(void)fd, (void)what;
	ways_changed(argument, true);
}

/* Only what nobody has said waits, from when it would do: a network that has IPv4 too is spared the guess. */
static bool is_early(struct gate *gate)
{
	int64_t now = clock_steady_ms(), *since = &gate->ways.nat64.would_do;

	if (!is_guess(gate))
		return false;
	if (*since == 0) {
		*since = now;
		loop_arm(gate->base, &gate->ways.guess, guess_cb, gate, GUESS_AFTER_MS);
	}
	return now - *since < GUESS_AFTER_MS;
}

void ways_look(struct gate *gate)
{
	struct look four = {.family = NET_IPV4}, six = {.family = NET_IPV6};
	struct net_prefix prefix = nat64_prefix(gate);
	struct wire_way *now = &gate->ways.now;
	bool by_four = leads(gate, &four), by_nat64 = !by_four && leads_by_nat64(gate, &prefix);

	look_for_attempt(gate);
	now->no_way = leads(gate, &six) ? 0 : NO_WAY6;
	memset(&now->nat64, 0, sizeof now->nat64);
	if (!by_nat64)
		gate->ways.nat64.would_do = 0;
	if (by_nat64 && !is_early(gate))
		now->nat64 = prefix;
	else if (!by_four)
		now->no_way |= NO_WAY4;
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
