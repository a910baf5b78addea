/* The admin socket (gate.sock) from the side of the command line. */
#ifndef CTL_CMD_ADMIN_H
#define CTL_CMD_ADMIN_H

#include <jansson.h>

#include "base/wire_admin.h"
#include "ctl/ctl.h"

/* Asks the gate, prints its answer, returns an exit code when it is done, which
 * takes as long as openvpn takes to leave: for pause and off, which nobody wants
 * to be half done. */
int ctl_admin_settled(const struct ctl *ctl, const struct wire_admin_request *request);

/* Is what `verb` (enum wire_admin) asked for done, going by a status? The exit
 * code, or -1: not yet. `left`: the gate was seen shut since it was asked. Pure. */
int ctl_admin_done(uint32_t verb, const json_t *status, bool left);

#endif
