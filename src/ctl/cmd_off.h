/* `off` without anybody's help, for the commands that need it. */
#ifndef CTL_CMD_OFF_H
#define CTL_CMD_OFF_H

#include <stdbool.h>

#include "ctl/ctl.h"

/* As `portcullis off --offline`: the marker, then the daemons, then the rules,
 * then what strict boot has switched off. Says what it does; returns the exit
 * code. Blocks, 15 s at most and what strict boot takes. */
int ctl_off_offline(const struct ctl *ctl, bool persist);

#endif
