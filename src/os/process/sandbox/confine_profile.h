/* What openvpn may still ask of macOS, in the words of its sandbox. Pure: values in, text out. */
#ifndef OS_PROCESS_SANDBOX_CONFINE_PROFILE_H
#define OS_PROCESS_SANDBOX_CONFINE_PROFILE_H

#include <stddef.h>

#include "base/err.h"

enum { CONFINE_PROFILE_SIZE = 8 * 1024 };

/* The profile for sandbox_init(3), which outlives exec: `binary` is the one program that may be executed,
 * the sockets in `folder` the only local ones. Both absolute and without links. 0, or -1 and `e`: a path
 * that can't be told in it, or it does not fit. */
int confine_profile(const char *binary, const char *folder, char *to, size_t size, struct err *e);

#endif
