/* Where the pf of macOS and that of FreeBSD differ: system_macos.c, system_freebsd.c. */
#ifndef OS_FIREWALL_PF_SYSTEM_H
#define OS_FIREWALL_PF_SYSTEM_H

#include "os/firewall/pf/pf.h"

extern const enum pf_dialect pf_dialect;
extern const char pf_stock_main[];    /* the main rules if all else is refused */
extern const char *const pf_fallback; /* the anchor that the system's own main rules ask, or NULL */
extern const bool pf_has_dummynet;
extern const char pf_manual_command[]; /* commands that remove our rules */

/* Is there a pf to speak to? Loads it, if `wanted`. */
bool pf_is_there(struct pf_firewall *fw, bool wanted);

/* Enables pf, by a reference of ours where there are such; a new one is taken only if ours is not held, and
 * it is kept when the daemon exits. 0, or -1 and `e`. */
int pf_enable(struct pf_firewall *fw, struct err *e);

/* Is it enabled so? Changes nothing. 0, or -1 and `e`. */
int pf_enabled_look(struct pf_firewall *fw, struct err *e);

/* Gives the reference back; pf itself is never switched off. 0, or -1 and `e`. */
int pf_release(struct pf_firewall *fw, struct err *e);

#endif
