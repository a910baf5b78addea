/* resolvconf(8): one record of ours by the name of the interface, on Linux and FreeBSD. */
#ifndef OS_DNS_RESOLVCONF_H
#define OS_DNS_RESOLVCONF_H

#include <stdbool.h>

#include "base/err.h"
#include "os/dns/words.h"

/* Adds or replaces the record. `openresolv`: the tool is that one, which knows exclusive records (-x): while
 * ours is there, no other record's servers are queried. Waits `milliseconds` at most. 0, or -1 and `e`. */
int dns_resolvconf_set(const char *tool, bool openresolv, const char *interface,
		       const struct dns_words *words, int milliseconds, struct err *e);

/* Removes it; to openresolv it is no failure if there is none (-f). As above. */
int dns_resolvconf_restore(const char *tool, bool openresolv, const char *interface, int milliseconds,
			   struct err *e);

#endif
