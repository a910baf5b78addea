/* gate: portcullisd's main struct, and the functions of gate.c. */
#ifndef GATE_GATE_H
#define GATE_GATE_H

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/wire.h"
#include "config/config.h"
#include "gate/asking.h"
#include "gate/attempt.h"
#include "gate/driver_process.h"
#include "gate/proof.h"
#include "gate/transition.h"
#include "gate/vet.h"
#include "gate/ways.h"
#include "os/dns/job.h"
#include "os/firewall/bypass.h"
#include "os/firewall/firewall.h"
#include "os/host/sleep.h"
#include "os/netwatch/netwatch.h"
#include "os/route/route.h"
#include "policy/situation.h"

struct gate {
	struct config config;
	char config_file[PATH_MAX];
	struct event_base *base;
	struct firewall *fw;
	struct situation situation;
	struct gate_state state;
	char reason[WIRE_TEXT], portal[WIRE_TEXT]; /* portal: what the status says of it, "" none */
	/* firewall_note; the last bypass that was found; why a change is not in use; unconfirmed.h */
	char notice[WIRE_TEXT], redirect[WIRE_TEXT], refused[WIRE_TEXT], unconfirmed[WIRE_TEXT];
	int64_t boot_locked_at, seen; /* seen.h */
	uint64_t blocked;             /* packets, as last counted */
	unsigned lock_failures;
	bool links_are_down, redirected; /* redirected: see os/firewall/bypass.h; nothing is dialled */
	bool bare; /* locked without the configuration's values, because it could not be locked with them */
	struct event *retry, *pause_end, *portal_end; /* unprotected or bare: lock again */
	int64_t pause_until;                          /* seconds since the epoch, 0 none */
	uint32_t pause_seconds;                       /* as root asked for the pause, */
	bool off_persist;                             /* and for off */
	/* Set by main: who is told of a change, carries out what concerns openvpn, begins or ends asking. */
	void (*changed)(struct gate *gate, enum wire_note note, const char *why);
	int (*openvpn)(struct gate *gate, enum gate_effect effect, const char *why, struct err *e);
	int (*ask)(struct gate *gate, bool begin, struct err *e);
	struct gate_profile profile;
	struct attempt attempt;
	struct ways ways;
	struct proof proof;
	struct driver_process driver;
	struct names names;
	struct asking asking;
	int control_fd, management_fd, log_fd, admin_fd, captive_dns_fd;
	struct event *admin_event;
	struct dns_job dns;
};

/* Locks, bare if need be; or stays off where the marker says so. 0, or -1 and `e`: no lock. */
int gate_start(struct gate *gate, struct err *e);
/* After that: starts the timers (`cause`: why there is no lock yet, or NULL), watches the rules. 0 or -1. */
void gate_begin(struct gate *gate, const struct err *cause);
int gate_watch(struct gate *gate, struct err *e);
/* After the start this is the only function that changes the state: it takes the step and carries out its
 * effects in order. `why` is shown as the reason. 0, or -1 and `e`: the event was refused, or an effect
 * failed; then the event that gate_failure names has been carried out too. */
int gate_dispatch(struct gate *gate, enum gate_event event, const char *why, struct err *e);
enum wire_gate gate_shown(const struct gate *gate); /* the state as users see it */
void gate_fill_identities(struct gate *gate);       /* for the rules; nobody's where none are named */
/* What our routes follow from, into the attempt's tunnel or to nowhere; and sets them. 0, or -1 and `e`. */
struct route_desired gate_routes(const struct gate *gate, bool open);
int gate_route(struct gate *gate, bool open, struct err *e);
void gate_begin_gateway(struct gate *gate); /* locked now, and not before: forwarding may begin */
void gate_links_changed(struct gate *gate); /* links or neighbours changed */
bool gate_forget_portal(struct gate *gate, const char *why); /* of the next policy; was there one? */

#endif
