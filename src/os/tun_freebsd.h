/* tun(4) of FreeBSD: who holds it. */
#ifndef OS_TUN_FREEBSD_H
#define OS_TUN_FREEBSD_H

#include <stdint.h>

/* The process that holds the device `name` open. 0 nobody; -1 with errno: it
 * can't be asked (ENXIO: there is none of that name). Doesn't block. */
int32_t tun_holder(const char *name);

#endif
