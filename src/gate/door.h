/* gate: gate.sock, by which root asks for what wants privilege. */
#ifndef GATE_DOOR_H
#define GATE_DOOR_H

#include "base/err.h"

struct gate;

/* Serves gate->door_fd from the loop. 0, or -1 and `e`. */
int door_open(struct gate *gate, struct err *e);

/* Vets the profile anew and starts the driver with it. 0, or -1 and `e`: the old one stays. */
int door_reload(struct gate *gate, struct err *e);

#endif
