/* What `systemctl show` prints, judged. Pure. */
#ifndef OS_SERVICE_MACHINE_SYSTEMD_H
#define OS_SERVICE_MACHINE_SYSTEMD_H

#include "os/service/machine.h"

#define SYSTEMD_LOCK "portcullis-lock.service"
#define SYSTEMD_DAEMON "portcullis.service"
#define SYSTEMD_NFTABLES "nftables.service"
#define SYSTEMD_NFTABLES_DROP_IN "nftables.service.d/portcullis.conf"

/* From the properties Id, LoadState, UnitFileState, Before, WantedBy and
 * RequiredBy of our two units. */
void systemd_boot(const char *shown, struct machine_fact *fact);

/* Is a unit of this name (a '*' at its end: or one that begins so) active, or
 * enabled for the next boot? From Id, ActiveState and UnitFileState of many. */
bool systemd_runs(const char *shown, const char *name);

/* Does nftables.service keep our lock: is our drop-in among its DropInPaths? */
bool systemd_nftables_keeps(const char *shown);

#endif
