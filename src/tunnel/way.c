/* Does the session of an attempt live on in the network as it is now? */
#include "tunnel/way.h"

#include <string.h>

bool way_leads(const struct wire_way *now, uint8_t family)
{
	return (now->no_way & (family == NET_IPV4 ? NO_WAY4 : NO_WAY6)) == 0;
}

void way_begin(struct way *way, const struct net_endpoint *endpoint)
{
	*way = (struct way){
	    .active = true, .tcp = endpoint->proto == NET_TCP, .family = endpoint->address.family};
}

/* Does the other family lead to a server, which may be the same one by NAT64? */
static bool leads_otherwise(const struct way *way, const struct wire_way *now)
{
	if (way->family == NET_IPV4)
		return way_leads(now, NET_IPV6) || now->nat64.length > 0;
	return way_leads(now, NET_IPV4) && now->nat64.length == 0;
}

/* Links and addresses come and go together: only if the other family alone stays, it is worth a session. */
static enum way_verdict judge_none(struct way *way, const struct wire_way *now, uint64_t ms)
{
	way->due = 0;
	if (way->last.local.family == NET_NONE) /* perhaps it can't be found out */
		return WAY_GOES_ON;
	if (way->gone_at == 0)
		way->gone_at = ms;
	if (!leads_otherwise(way, now))
		return WAY_GOES_ON;
	if (ms - way->gone_at >= WAY_FAMILY_PATIENCE) { /* `due` is over: never twice for one loss */
		way->why = way->family == NET_IPV4
			       ? "no IPv4 route leads to the server any more; IPv6 is there"
			       : "no IPv6 route leads to the server any more; IPv4 is there";
		return WAY_LOST;
	}
	way->due = way->gone_at + WAY_FAMILY_PATIENCE;
	return WAY_GOES_ON;
}

static bool is_same(const struct wire_way *one, const struct wire_way *other)
{
	return one->link == other->link && net_address_equal(&one->local, &other->local) &&
	       net_address_equal(&one->gateway, &other->gateway);
}

enum way_verdict way_judge(struct way *way, const struct wire_way *now, uint64_t ms)
{
	uint64_t away = way->gone_at != 0 ? ms - way->gone_at : 0;
	bool known = way->last.local.family != NET_NONE, same = away == 0 && is_same(&way->last, now);

	if (!way->active)
		return WAY_GOES_ON;
	if (now->local.family == NET_NONE)
		return judge_none(way, now, ms);
	way->gone_at = way->due = 0;
	way->last = *now;
	if (!known)
		return WAY_GOES_ON;
	if (way->tcp && !now->kept) {
		way->why = "the address of the TCP connection is gone";
		return WAY_LOST;
	}
	if (way->tcp && away > WAY_TCP_PATIENCE) {
		way->why = "the network was away; the TCP connection would wait as long again";
		return WAY_LOST;
	}
	return same ? WAY_GOES_ON : WAY_CHANGED;
}
