/* IPv4 addresses inside IPv6 ones, as a NAT64 translates them (RFC 6052). Pure. */
#ifndef BASE_NAT64_H
#define BASE_NAT64_H

#include <stdbool.h>

#include "base/net.h"

/* 64:ff9b::/96, of which every network may make use. */
extern const struct net_prefix nat64_well_known;

/* Is it one that addresses can be embedded in: of 32, 40, 48, 56, 64 or 96 bits, with bits 64 to 71 zero, and
 * of addresses that a server can have? */
bool nat64_is_prefix(const struct net_prefix *prefix);

/* The IPv6 address that stands for an IPv4 one; `prefix` is one of those. */
struct net_address nat64_embed(const struct net_prefix *prefix, const struct net_address *address);

/* The IPv4 address for which `address` stands. False: it is none that nat64_embed makes of this prefix
 * (NET_NONE: of none), and *embedded is left as it is. */
bool nat64_extract(const struct net_prefix *prefix, const struct net_address *address,
		   struct net_address *embedded);

#endif
