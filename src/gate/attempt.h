/* gate: one attempt, the life of one openvpn process. */
#ifndef GATE_ATTEMPT_H
#define GATE_ATTEMPT_H

#include <event2/event.h>
#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/wire_channel.h"
#include "gate/transition.h"

struct gate;
struct gate_profile;

struct attempt {
	pid_t pid;              /* 0: none */
	int output;             /* read end of its stdout and stderr, for an early end */
	struct event *deadline; /* when openvpn is killed at the latest */
	struct net_endpoint endpoint;
	struct net_endpoint remote; /* of the profile: by NAT64 its address is another */
	struct wire_tunnel tunnel;  /* as the driver requested it, checked */
	unsigned index;             /* of its interface, once verified; 0: not yet */
	bool set;                   /* the device is set as `tunnel` is */
	bool told;                  /* it has had the time to tell the server that it goes */
	char why[WIRE_TEXT];        /* why it ends; "" while it does not */
};

/* Is it one of the profile's, and so may be dialled? */
bool attempt_knows(const struct gate_profile *profile, const struct net_endpoint *endpoint);

/* Checks the endpoint and whether the machine can dial it; then dispatches EVENT_DIAL. 0, or -1 and `e`: then
 * no openvpn runs. */
int attempt_dial(struct gate *gate, const struct net_endpoint *endpoint, struct err *e);

/* Carries out what the table wants done to openvpn: EFFECT_LAUNCH, EFFECT_TERMINATE, EFFECT_KILL. 0, or -1
 * and `e`: not launched. */
int attempt_effect(struct gate *gate, enum gate_effect effect, const char *why, struct err *e);

/* Dispatches EVENT_KILL: locks now, without waiting for openvpn. */
void attempt_kill(struct gate *gate, const char *why);

/* For a stop, where no event loop runs any more: an open tunnel is left, and openvpn has the time to tell the
 * server. Blocks for 0.1 s at most; openvpn need not be gone then. */
void attempt_farewell(struct gate *gate);

/* Does the interface exist, is it up, does our openvpn hold it, and does it have these addresses? Its index;
 * 0 and `e`: no. */
unsigned attempt_verify_tunnel(const struct gate *gate, const struct wire_tunnel *tunnel, struct err *e);

/* openvpn has been reaped: locks, cleans up after it, notifies the driver. */
void attempt_reaped(struct gate *gate, int status);

/* Ends the openvpn of an earlier portcullisd that was killed, and cleans up after it. */
void attempt_clean_earlier(struct gate *gate);

/* spawn.c: starts openvpn for `endpoint`. Its pid and the read end of its
 * output, or -1 and `e`. */
pid_t spawn_openvpn(struct gate *gate, const struct net_endpoint *endpoint, int *output, struct err *e);

#endif
