/* gate.sock from the user's side. */
#ifndef CTL_CMD_DOOR_H
#define CTL_CMD_DOOR_H

#include <jansson.h>

#include "base/wire_door.h"
#include "ctl/ctl.h"

/* Asks the gate, prints its answer, returns an exit code when it is done, which
 * takes as long as openvpn takes to leave: for pause and off, which nobody wants
 * to be half done. */
int ctl_door_settled(const struct ctl *ctl, const struct wire_door_request *request);

/* Is what `verb` (enum wire_door) asked for done, going by a status? The exit
 * code, or -1: not yet. `left`: the gate was seen shut since it was asked. Pure. */
int ctl_door_done(uint32_t verb, const json_t *status, bool left);

#endif
