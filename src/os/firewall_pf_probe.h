/* What really passes, whatever pfctl says. */
#ifndef OS_FIREWALL_PF_PROBE_H
#define OS_FIREWALL_PF_PROBE_H

#include <stdbool.h>

#include "policy/situation.h"

/* In a process that may lose its rights: a datagram to a documentation address
 * out of each link of `s`, as nobody. The link that one got out of, else NULL. */
const char *pf_probe(const struct situation *s);

/* A datagram to a documentation address out of the link `index`, whatever the
 * routes say: did it get out? False also where that can't be tried. */
bool pf_probe_unicast(unsigned index);

#endif
