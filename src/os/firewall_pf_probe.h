/* What really passes, whatever pfctl says. */
#ifndef OS_FIREWALL_PF_PROBE_H
#define OS_FIREWALL_PF_PROBE_H

#include <stdbool.h>

#include "policy/situation.h"

enum pf_probed {
	PF_PROBED_NOTHING, /* no link is up, or has an address */
	PF_PROBED_REFUSED, /* as it must be */
	PF_PROBED_OUT      /* the gate does not hold */
};

/* In a process that may lose its rights: a datagram to a documentation address
 * out of each link of `s`, as nobody. `link`: the one that it got out of. */
enum pf_probed pf_probe(const struct situation *s, const char **link);

/* One datagram out of the link `index`, whatever the routes say. 0 it got out; else the errno; -1: the
 * system has no such way. */
int pf_probe_unicast(unsigned index);

#endif
