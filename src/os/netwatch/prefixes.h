/* The prefixes that neighbour discovery is let through for. Pure. */
#ifndef OS_NETWATCH_PREFIXES_H
#define OS_NETWATCH_PREFIXES_H

#include <stdbool.h>

#include "policy/situation.h"

/* A prefix shorter than this is no link's: taking it would let neighbour
 * discovery name most of the Internet. */
enum { NETWATCH_ON_LINK_MIN = 16 };

/* Would it be added? */
bool netwatch_is_prefix(const struct net_prefix *prefix);

/* Adds an address or an on-link prefix of a physical link to s->neighbours and
 * keeps that free of prefixes within others. Link-local and multicast ones stand
 * in the rule itself. When the list is full it is left out: anybody on the link
 * can advertise prefixes. */
void netwatch_add_prefix(struct situation *s, const struct net_prefix *prefix);

#endif
