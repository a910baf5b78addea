/* The firewall port: one backend of the platform holds our policy in the kernel. */
#ifndef OS_FIREWALL_FIREWALL_H
#define OS_FIREWALL_FIREWALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "policy/situation.h"

struct firewall;
struct event_base;
/* What this kernel has and lacks, a line each for `portcullisd -n`. */
enum { FIREWALL_FEATURES = 4 };
struct firewall_features {
	const char *backend; /* "nft", "pf", "ipfw" */
	struct firewall_feature {
		const char *what;
		bool has;
		const char *lacking; /* what follows if it is not there */
	} list[FIREWALL_FEATURES];
	size_t count;
};

/* Something else changed our rules, or what they need: `what`, in a few words. Called from the loop, once
 * for a burst. The receiver calls firewall_assert again. */
typedef void firewall_foreign_cb(const char *what, void *argument);
/* Opens `backend`, one of the platform's, or "auto", its first; changes nothing. NULL and `e`. */
struct firewall *firewall_open(const char *backend, struct err *e);

/* The platform's backend that holds rules of ours, whatever the configuration says; else "auto". */
struct firewall *firewall_open_standing(struct err *e);
/* Closes it. The rules stay as they are. NULL is fine. */
void firewall_close(struct firewall *fw);

/* Brings the kernel to exactly the policy of `s`: creates or adopts what is missing, repairs what differs,
 * flips elements, in one transaction, never through an open moment; then reads back. 0 only if verified;
 * else -1 and `e`, and the kernel holds the old policy or a safer one. Blocks for the kernel only. */
int firewall_assert(struct firewall *fw, const struct situation *s, struct err *e);

/* A pause: removes our drops for `seconds`. Then the kernel or os/firewall/pause_watchdog.h shuts the gate
 * without the daemon; where neither can, there is no pause. 0 or -1. firewall_assert ends it. */
int firewall_pause(struct firewall *fw, uint32_t seconds, struct err *e);
bool firewall_has_portals(const struct firewall *fw); /* row 16: the kernel ends it, or it is never there */

/* Forgets every connection the kernel tracks (after a pause). 0 or -1. */
int firewall_forget_states(struct firewall *fw, struct err *e);
/* What is unusual about the lock in force, in a few words for the status; "" if nothing. */
const char *firewall_note(const struct firewall *fw);

/* Removes our rules and nothing else, those of the platform's other backends too; 0 also if there were none;
 * 1 and `e`: ours are gone, and another process holds rules with a name of ours. */
int firewall_remove(struct firewall *fw, struct err *e);
/* Removes only our rules in other backends, after `fw` has locked: one may have been chosen before. */
int firewall_remove_others(const struct firewall *fw, struct err *e);

/* The command with which root can remove our rules without us. */
void firewall_manual_command(char *to, size_t size);

/* The process that owns our rules; 0: nobody; FIREWALL_UNNAMED: the kernel names no owner. 0 or -1. */
enum { FIREWALL_UNNAMED = -1 };
int firewall_owner(struct firewall *fw, int32_t *pid, struct err *e);

/* *pid: a living portcullisd that holds a lock, just verified to have the rules of `s`; 0: none does.
 * `instance`: the process that has the daemon's lockfile, 0 nobody. 0 or -1. */
int firewall_held(struct firewall *fw, const struct situation *s, int32_t instance, int32_t *pid,
		  struct err *e);

/* Packets of this machine stopped since our rules were loaded. 0 or -1. */
int firewall_blocked(struct firewall *fw, uint64_t *packets, struct err *e);

/* Watches our rules from `base`'s loop. 0 or -1. */
int firewall_watch(struct firewall *fw, struct event_base *base, firewall_foreign_cb *cb, void *argument,
		   struct err *e);

/* Tries each feature in a transaction that is never committed, or learns it from the kernel's answers. */
int firewall_probe(struct firewall *fw, struct firewall_features *features, struct err *e);

#endif
