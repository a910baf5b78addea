/* The socket of captive DNS: where it answers while the gate is shut. */
#ifndef OS_DNS_CAPTIVE_DNS_SOCKET_H
#define OS_DNS_CAPTIVE_DNS_SOCKET_H

#include <stdint.h>

#include "base/err.h"

/* A UDP socket of 127.0.0.1, at a port that the system chooses; non-blocking,
 * closed by exec. Where there is no captive DNS, or no socket can be had (then `e`
 * has a line to log), it is /dev/null and the port 0. -1: not even that. */
int captive_dns_socket_open(uint16_t *port, struct err *e);

#endif
