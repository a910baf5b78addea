/* `off --offline`, for other commands that need it. */
#ifndef CTL_CMD_OFF_H
#define CTL_CMD_OFF_H

#include <stdbool.h>

#include "ctl/ctl.h"

/* As `portcullis off --offline`: writes the marker, ends the daemons, removes the rules,
 * and turns on what strict boot has turned off. Prints what it does; returns the exit
 * code. Blocks for at most 15 s and the time that strict boot takes. */
int ctl_off_offline(const struct ctl *ctl, bool persist);

#endif
