/* What a BSD's tun device says of itself, as ifconfig prints it. Pure. */
#ifndef OS_ROUTE_TUN_STATUS_H
#define OS_ROUTE_TUN_STATUS_H

#include <stddef.h>
#include <stdint.h>

/* The process that holds the device open: from the one line "\tOpened by PID N".
 * 0 if there is none, or more than one, or no such number. `text` need not be
 * terminated. */
int32_t tun_status_pid(const char *text, size_t length);

#endif
