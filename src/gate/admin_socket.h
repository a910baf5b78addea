/* gate: the admin socket, gate.sock, for root's commands. */
#ifndef GATE_ADMIN_SOCKET_H
#define GATE_ADMIN_SOCKET_H

#include "base/err.h"

struct gate;

/* Serves gate->admin_fd from the loop. 0, or -1 and `e`. */
int admin_socket_open(struct gate *gate, struct err *e);

#endif
