/* Which addresses show whether a plan is in force. */
#include "os/route/probes.h"

#include <string.h>

/* Spread over each family; the first ones are documentation's. Nothing is sent to them. */
static const char *const anywhere[] = {"192.0.2.1",   "198.51.100.1", "11.0.0.1",
				       "2001:db8::1", "2600::1",      "2a00::1"};

static const struct route_entry *entry_for(const struct route_plan *plan, const struct net_address *to)
{
	const struct route_entry *best = NULL;

	for (size_t i = 0; i < plan->entry_count; i++) {
		const struct route_entry *entry = &plan->entries[i];

		if (net_prefix_contains(&entry->to, to) &&
		    (best == NULL || entry->to.length > best->to.length ||
		     (entry->to.length == best->to.length && entry->metric < best->metric)))
			best = entry;
	}
	return best;
}

struct list {
	const struct route_plan *plan;
	struct route_probe *probes;
	size_t count;
};

static void add_probe(struct list *list, const struct net_address *to, bool everywhere)
{
	for (size_t i = 0; i < list->count; i++) {
		if (net_address_equal(&list->probes[i].to, to))
			return;
	}
	if (list->count < PROBES_MAX)
		list->probes[list->count++] = (struct route_probe){*to, everywhere};
}

static void add_if_led(struct list *list, const struct wire_tunnel *tunnel, const struct net_address *to,
		       bool everywhere)
{
	const struct route_entry *entry;

	if (to->family != list->plan->family || net_address_equal(to, &tunnel->address4) ||
	    net_address_equal(to, &tunnel->address6))
		return;
	entry = entry_for(list->plan, to);
	if (entry != NULL && entry->leads == ROUTE_TO_TUNNEL)
		add_probe(list, to, everywhere);
}

/* The first addresses behind the network's own. */
static void add_inside(struct list *list, const struct wire_tunnel *tunnel, const struct net_prefix *to)
{
	size_t last = to->address.family == NET_IPV4 ? 3 : 15;
	unsigned bits = (unsigned)(last + 1) * 8 - to->length;
	struct net_address inside = to->address;

	for (unsigned i = bits > 0 ? 1 : 0; i <= PROBES_A_ROUTE && (bits > 1 || i >> bits == 0); i++) {
		inside.bytes[last] = (uint8_t)(to->address.bytes[last] + i);
		add_if_led(list, tunnel, &inside, false);
	}
}

size_t route_probes(const struct route_plan *plan, const struct wire_tunnel *tunnel,
		    struct route_probe probes[static PROBES_MAX])
{
	struct list list = {plan, probes, 0};
	struct net_address to;

	for (size_t i = 0; i < sizeof anywhere / sizeof *anywhere; i++) {
		if (net_address_parse(anywhere[i], &to) == 0)
			add_if_led(&list, tunnel, &to, true);
	}
	for (size_t i = 0; i < WIRE_SERVERS; i++)
		add_if_led(&list, tunnel, &tunnel->dns[i], false);
	for (size_t i = 0; i < plan->entry_count; i++) {
		if (plan->entries[i].leads == ROUTE_TO_TUNNEL && plan->entries[i].to.length > 0)
			add_inside(&list, tunnel, &plan->entries[i].to);
	}
	return list.count;
}

size_t route_probes_of_last_word(const struct route_plan *plan, struct route_probe probes[static PROBES_MAX])
{
	struct list list = {plan, probes, 0};
	struct net_address to;

	for (size_t i = 0; i < sizeof anywhere / sizeof *anywhere; i++) {
		const struct route_entry *entry;

		if (net_address_parse(anywhere[i], &to) == -1 || to.family != plan->family)
			continue;
		entry = entry_for(plan, &to);
		if (entry != NULL && entry->to.length == 0 && entry->leads == ROUTE_UNREACHABLE)
			add_probe(&list, &to, true);
	}
	return list.count;
}
