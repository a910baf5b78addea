/* gate: the one struct of portcullisd, and what its files offer each other. */
#ifndef GATE_GATE_H
#define GATE_GATE_H

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/wire.h"
#include "config/config.h"
#include "gate/attempt.h"
#include "gate/driver.h"
#include "gate/vet.h"
#include "os/dns/job.h"
#include "os/firewall/behind.h"
#include "os/firewall/firewall.h"
#include "os/host/sleep.h"
#include "os/netwatch/netwatch.h"
#include "policy/situation.h"

struct gate {
	struct config config;
	char config_file[PATH_MAX];
	struct event_base *base;
	struct firewall *fw;
	struct netwatch *netwatch;
	struct behind *behind;
	struct sleep_watch *sleep;
	struct situation situation;
	enum wire_gate state; /* as verified */
	enum wire_wish wish;  /* WISH_UP or WISH_DOWN, remembered over a reboot */
	char reason[WIRE_TEXT];
	char note[WIRE_TEXT], turns[WIRE_TEXT]; /* firewall_note; the last thing found behind the hooks */
	int64_t boot_locked_at;
	uint64_t blocked; /* packets, when last counted */
	unsigned lock_failures;
	bool links_are_down, stopping, turned; /* turned: see os/firewall/behind.h; nothing is dialled */
	bool bare;  /* locked with none of the configuration's values: with them it could not be */
	bool unfit; /* the start failed: no driver; what failed is tried again once the lock is verified */
	struct event *retry, *pause_end; /* unprotected or bare: lock again */
	int64_t pause_until;             /* seconds since the epoch, 0 none */
	uint32_t pause_wanted;           /* seconds; the attempt is being left for it, or for off */
	bool off_wanted, off_persist;
	/* Set by main before the start: who is told of a change, and who ends the attempt. */
	void (*changed)(struct gate *gate, enum wire_note note, const char *why);
	void (*abandon)(struct gate *gate, const char *why);
	struct gate_profile profile;
	struct attempt attempt;
	struct driver driver;
	int control_fd, management_fd, log_fd, door_fd, names_fd;
	struct event *door;
	struct dns_job dns;
};

/* Locks, bare if need be; or stays off where the marker says so. 0, or -1 and `e`: no lock. */
int gate_start(struct gate *gate, struct err *e);

/* Then: its timers (`cause`, if not NULL: why there is no lock yet), and a watch on the rules. 0, or -1 and
 * `e`. */
void gate_begin(struct gate *gate, const struct err *cause);
int gate_watch(struct gate *gate, struct err *e);

/* To locked, dialling or open, read back, then reported. 0, or -1: locked, or unprotected. */
int gate_flip(struct gate *gate, enum wire_gate to, const char *why);

/* Routes of our own: into the attempt's tunnel, or nowhere. 0, or -1 and `e`. */
int gate_route(struct gate *gate, bool open, struct err *e);

/* The lock stands and did not before: now others' packets may be forwarded, if it is a gateway. */
void gate_begin_gateway(struct gate *gate);
void gate_relink(struct gate *gate); /* links or neighbours changed */

void gate_pause_begin(struct gate *gate); /* openvpn is gone and root wanted a pause, or off */
void gate_off_begin(struct gate *gate);

/* Ends a pause, if there is one: locked first, then all states killed. */
void gate_resume(struct gate *gate, const char *why);

#endif
