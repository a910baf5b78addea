/* gate: what root has changed, read anew while the gate stands: portcullis.conf, the profile, the password
 * file. */
#ifndef GATE_RELOAD_H
#define GATE_RELOAD_H

#include "base/err.h"

struct gate;

/* Reads all of it and checks it. Only if nothing is wrong it is taken; openvpn is dialled again if what it
 * was started with has changed. 0 and `e` = what was done; or -1 and `e` = why all stays as it was. Either is
 * logged; a refusal stays in the status until a reload is not refused. Blocks as a start does. */
int reload(struct gate *gate, struct err *e);

/* From now on takes another profile or password file as soon as it is there. 0, or -1 and `e`. Where files
 * can't be watched, the log says so. */
int reload_watch(struct gate *gate, struct err *e);

#endif
