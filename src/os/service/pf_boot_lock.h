/* What pfctl loads at boot before anything of ours runs: the locked rules, in files of their own. */
#ifndef OS_SERVICE_PF_BOOT_LOCK_H
#define OS_SERVICE_PF_BOOT_LOCK_H

#include "base/err.h"

/* Beside portcullis.conf. The launchd job names the first; it loads the second. */
#define PF_BOOT_MAIN "boot-lock.conf"
#define PF_BOOT_RULES "boot-lock.rules"

/* Writes both: the system's own main rules with the call of our anchor, and
 * the locked rules, which know no link, user or server of this machine. pfctl
 * reads each before it takes the place of the older one (-n: nothing is
 * loaded). 0, or -1 and `e`: the older ones stand. */
int pf_boot_lock_write(struct err *e);

/* Takes both away. 0 also if they were not there. */
int pf_boot_lock_remove(struct err *e);

#endif
