/* The pause watchdog: a small process of root's that shuts the gate at its time, whatever
 * becomes of the daemon. For firewalls whose kernel can't end a pause by itself. */
#ifndef OS_FIREWALL_PAUSE_WATCHDOG_H
#define OS_FIREWALL_PAUSE_WATCHDOG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

/* Both run in the watchdog, which has a copy of the daemon's memory, a session
 * of its own, and no descriptor but 0, 1 and 2 on /dev/null. */
struct pause_watchdog_work {
	/* Asked before the pause begins: could the gate be shut from here? 0, or -1 and `e`. */
	int (*look)(void *argument, struct err *e);
	/* Loads the lock, kills every state, verifies. Called again until it returns 0. */
	int (*close)(void *argument, struct err *e);
	void *argument;
};

/* Starts it, and waits until it reports that it watches, 3 s at most. It calls `close` once `seconds` are
 * over (sleep counts), once the machine has slept or its clock was set forward, or at SIGTERM, and exits; if
 * the off marker is there, it exits without. There is never a second one. 0; or -1 and `e`: then none runs,
 * and no pause may begin. */
int pause_watchdog_start(const struct pause_watchdog_work *work, uint32_t seconds, struct err *e);

/* Is there one, of this life or of an earlier one? */
bool pause_watchdog_lives(void);

/* Ends it without shutting the gate: for a caller that has verified the lock, or removes the rules on
 * purpose. Waits until it is gone, 3 s; then it is killed. 0, also if there was none; -1 and `e`. Not to be
 * called by what `close` calls. */
int pause_watchdog_dismiss(struct err *e);

#endif
