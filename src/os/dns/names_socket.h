/* The names port: a socket for answering names while the gate is shut. */
#ifndef OS_DNS_NAMES_SOCKET_H
#define OS_DNS_NAMES_SOCKET_H

#include <stdint.h>

#include "base/err.h"

/* A UDP socket of 127.0.0.1, at a port that the system chooses; non-blocking,
 * closed by exec. Where names are not answered, or none can be had (then `e`
 * has a line to log), it is /dev/null and the port 0. -1: not even that. */
int names_socket_open(uint16_t *port, struct err *e);

#endif
