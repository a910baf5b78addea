/* gate: how openvpn's packets leave now, for the driver, which judges whether the session lives on. */
#ifndef GATE_WAYS_H
#define GATE_WAYS_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/wire_way.h"

struct event;
struct gate;

struct ways {
	struct wire_way now;
	struct net_address began; /* the source of the attempt's first packets; NET_NONE: not known yet */
	pid_t pid;                /* whose attempt */
	struct event *due;
	bool worth;
	uint64_t slept; /* ms; not told yet */
};

/* Looks now, at the routes of the attempt and of the profile's remotes. */
void ways_look(struct gate *gate);

/* Something has changed: looks a moment later, once for a burst, and tells the driver, if it is `worth` a try
 * or if it matters. */
void ways_changed(struct gate *gate, bool worth);

/* The machine slept for so long. */
void ways_woke(struct gate *gate, uint64_t ms);

#endif
