/* What the lists and answers of a BSD's kernel prove of the gate's routes and of its device. Pure. */
#ifndef OS_ROUTE_EVIDENCE_H
#define OS_ROUTE_EVIDENCE_H

#include "base/err.h"
#include "base/wire_channel.h"
#include "os/netwatch/bsd/facts.h"

/* Has no other link an address of the tunnel's? 0, or -1 and `e`: which one has. */
int evidence_alone(const struct route_layout *layout, struct route_buffer interfaces,
		   const struct wire_tunnel *tunnel, struct err *e);

/* And is the tunnel's device up, with its MTU and its addresses? 0, or -1 and `e`. */
int evidence_device(const struct route_layout *layout, struct route_buffer interfaces,
		    const struct wire_tunnel *tunnel, struct err *e);

/* Among `routes`, of the prefix' family: one to exactly `to` into the device `index`, and none elsewhere. */
bool evidence_stands(const struct route_layout *layout, struct route_buffer routes,
		     const struct net_prefix *to, unsigned index);

/* An address that shows where all goes that nothing else names. From `own` bits on, a route to it may be a
 * network's own, which comes before the tunnel's and ends at the filter. */
struct evidence_probe {
	const char *to;
	uint8_t own;
};
extern const struct evidence_probe evidence_probes[];
enum { EVIDENCE_PROBES = 4 };

/* Does this answer show that somebody else leads elsewhere what is to go into the device `index`? With 0:
 * would they, if it stood? */
bool evidence_taken(const struct route_layout *layout, const struct route_route *answer, unsigned index,
		    uint8_t own);

/* May this message have changed any of that? `tunnel`: of the device `index`, or NULL. */
bool evidence_changed(const struct route_layout *layout, const struct route_message *message,
		      const struct wire_tunnel *tunnel, unsigned index);

#endif
