/* tun(4) of FreeBSD: which process has it open. */
#ifndef OS_ROUTE_TUN_FREEBSD_H
#define OS_ROUTE_TUN_FREEBSD_H

#include <stdint.h>

#include "base/err.h"

/* The process that holds the device `name` open. 0 nobody; -1 with errno: it
 * can't be asked (ENXIO: there is none of that name). Doesn't block. */
int32_t tun_opener(const char *name);

/* Its node in /dev is this user's and group's, and nobody else may open it. 0, or -1 and `e`. */
int tun_give(const char *name, uint32_t uid, uint32_t gid, struct err *e);

/* The device goes, unless a process has it open. 0, also if there is none; or -1 and `e`. */
int tun_destroy(const char *name, struct err *e);

#endif
