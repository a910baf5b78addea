/* gate: what the driver may ask for. */
#ifndef GATE_VERBS_H
#define GATE_VERBS_H

#include <event2/util.h>

/* An event callback: reads the driver's requests from the channel. Its argument is the gate. */
void verbs_read_cb(evutil_socket_t fd, short what, void *gate);

#endif
