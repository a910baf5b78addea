/* The service port: the system's own manager locks at boot and keeps portcullisd running. */
#ifndef OS_SERVICE_SERVICE_H
#define OS_SERVICE_SERVICE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

/* Every call may block for the manager's own tools, a minute at most. */

/* Can it be used on this machine? 0, or -1 and `e`. Changes nothing. */
int service_check(struct err *e);

/* Does the manager start us at boot? */
bool service_is_installed(void);

/* What the manager reads, put where it counts from the next boot on: whole, or
 * the older stays. Starts nothing. 0, or -1 and `e`. */
int service_install(struct err *e);

/* Starts portcullisd, or ends a running one, which leaves the gate shut, and
 * starts the new. It is kept running from here on. 0, or -1 and `e`: the gate
 * is as it was left. */
int service_start(struct err *e);

/* Ends portcullisd for good, and nothing else; the gate stays as it is. 0 also if it did not run. */
int service_stop(struct err *e);

/* Takes away what service_install has put. 0 also if there was nothing. -1 and
 * `e`: what could not be taken away may lock at boot, and what starts
 * portcullisd there is kept, if it can be. */
int service_remove(struct err *e);

/* Has the manager itself run `portcullis disable --unconfirmed` after `seconds`, and at the next boot:
 * whatever becomes of portcullisd and of the caller. 0 seconds: only says whether it can. 0, or -1 and `e`.
 */
int service_arm(uint32_t seconds, struct err *e);

/* No longer. 0 also if it was not going to. */
int service_disarm(struct err *e);

/* How to see what the manager says about it: a command. */
extern const char service_show[];

#endif
