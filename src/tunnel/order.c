/* Which server has its turn: a round tries every address of every remote once. */
#include "tunnel/order.h"

#include "base/net.h"

uint32_t order_random_place(uint64_t seed, uint32_t remote)
{
	/* splitmix64: each number of the sequence is another place */
	uint64_t mixed = seed + (remote + 1) * 0x9e3779b97f4a7c15u;

	mixed = (mixed ^ mixed >> 30) * 0xbf58476d1ce4e5b9u;
	mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111ebu;
	return (uint32_t)((mixed ^ mixed >> 31) >> 32);
}

static bool is_earlier(const struct order *order, const struct order_entry *one,
		       const struct order_entry *other)
{
	bool silent = one->family == order->silent, other_silent = other->family == order->silent;

	if (one->late != other->late)
		return other->late;
	if (silent != other_silent)
		return other_silent;
	return one->place < other->place;
}

static bool is_left(const struct order *order, const struct order_entry *entry)
{
	return !entry->tried && !(entry->family == NET_IPV4 ? order->no_way4 : order->no_way6);
}

static bool pick(struct order *order)
{
	const struct order_entry *best = NULL;

	for (size_t i = 0; i < order->count; i++) {
		const struct order_entry *entry = &order->entries[i];

		if (is_left(order, entry) && (best == NULL || is_earlier(order, entry, best)))
			best = entry;
	}
	if (best == NULL)
		return false;
	order->at = (size_t)(best - order->entries);
	order->entries[order->at].tried = true;
	order->begun = true;
	return true;
}

static void begin_round(struct order *order)
{
	for (size_t i = 0; i < order->count; i++)
		order->entries[i].tried = false;
}

bool order_next(struct order *order)
{
	if (pick(order))
		return true;
	begin_round(order);
	return pick(order);
}

bool order_again(struct order *order)
{
	if (order->begun)
		begin_round(order);
	if (!order->begun || !is_left(order, &order->entries[order->at]))
		return order_next(order);
	order->entries[order->at].tried = true;
	return true;
}

size_t order_left(const struct order *order)
{
	size_t left = 0;

	for (size_t i = 0; i < order->count; i++)
		left += is_left(order, &order->entries[i]);
	return left;
}

void order_answered(struct order *order, bool answered)
{
	order->silent = order->begun && !answered ? order->entries[order->at].family : NET_NONE;
}

bool order_is_failure(enum tunnel_state state, enum tunnel_event event)
{
	if (state != TUNNEL_CONNECTING && state != TUNNEL_AUTHENTICATING && state != TUNNEL_CONFIGURING)
		return false;
	return event == TUNNEL_UNREACHABLE || event == TUNNEL_CONNECT_ERRORS || event == TUNNEL_RESTART ||
	       event == TUNNEL_EXITED || event == TUNNEL_TIMER;
}

void order_pass_remote(struct order *order)
{
	for (size_t i = 0; order->begun && i < order->count; i++) {
		if (order->entries[i].remote == order->entries[order->at].remote)
			order->entries[i].tried = true;
	}
}
