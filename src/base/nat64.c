/* IPv4 addresses inside IPv6 ones (RFC 6052, 2.2). */
#include "base/nat64.h"

#include <string.h>

/* The octet that stays 0 in each of these addresses. */
enum { SPARED = 8 };

const struct net_prefix nat64_well_known = {{NET_IPV6, {0, 0x64, 0xff, 0x9b}}, 96};

bool nat64_is_prefix(const struct net_prefix *prefix)
{
	uint8_t length = prefix->length;

	return prefix->address.family == NET_IPV6 && net_prefix_is_clean(prefix) &&
	       (length == 96 || (length >= 32 && length <= 64 && length % 8 == 0)) &&
	       prefix->address.bytes[SPARED] == 0 && net_address_is_dialable(&prefix->address);
}

/* The octets that follow the prefix, past the one that is spared: one after the other. */
static size_t next_octet(size_t at)
{
	return at == SPARED ? at + 1 : at;
}

struct net_address nat64_embed(const struct net_prefix *prefix, const struct net_address *address)
{
	struct net_address whole = prefix->address;
	size_t at = prefix->length / 8;

	for (size_t i = 0; i < 4; i++) {
		at = next_octet(at);
		whole.bytes[at++] = address->bytes[i];
	}
	return whole;
}

bool nat64_extract(const struct net_prefix *prefix, const struct net_address *address,
		   struct net_address *embedded)
{
	struct net_address found = {.family = NET_IPV4}, whole;
	size_t at = prefix->length / 8;

	if (!nat64_is_prefix(prefix) || !net_prefix_contains(prefix, address))
		return false;
	for (size_t i = 0; i < 4; i++) {
		at = next_octet(at);
		found.bytes[i] = address->bytes[at++];
	}
	whole = nat64_embed(prefix, &found);
	if (!net_address_equal(&whole, address))
		return false;
	*embedded = found;
	return true;
}
