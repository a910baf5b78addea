/* The prefixes that neighbour discovery is let through for. */
#include "os/netwatch/prefixes.h"

static bool covers(const struct net_prefix *wide, const struct net_prefix *narrow)
{
	return wide->length <= narrow->length && net_prefix_contains(wide, &narrow->address);
}

bool netwatch_is_prefix(const struct net_prefix *prefix)
{
	static const struct net_prefix link_local = {{NET_IPV6, {0xfe, 0x80}}, 10};
	static const struct net_prefix multicast = {{NET_IPV6, {0xff}}, 8};

	return prefix->address.family == NET_IPV6 && !covers(&link_local, prefix) &&
	       !covers(&multicast, prefix);
}

void netwatch_add_prefix(struct situation *s, const struct net_prefix *prefix)
{
	size_t kept = 0;

	if (!netwatch_is_prefix(prefix))
		return;
	for (size_t i = 0; i < s->neighbour_count; i++) {
		if (covers(&s->neighbours[i], prefix))
			return;
	}
	for (size_t i = 0; i < s->neighbour_count; i++) {
		if (!covers(prefix, &s->neighbours[i]))
			s->neighbours[kept++] = s->neighbours[i];
	}
	s->neighbour_count = kept;
	if (kept < SITUATION_NEIGHBOURS)
		s->neighbours[s->neighbour_count++] = *prefix;
}
