/* The log file: opened, and begun anew when it is full. */
#ifndef OS_HOST_LOG_FILE_H
#define OS_HOST_LOG_FILE_H

#include <stdint.h>

#include "base/err.h"

enum { LOG_FILE_KEPT = 1024 * 1024 };

/* Opens `path` to append, through no link, and bounds what this process logs to
 * it by `size` bytes: when it is nearly full it begins anew, and, if `keep` is
 * not 0, its last LOG_FILE_KEPT bytes stay as PATH.1, whole or as it was before.
 * Another process that shares the descriptor has to call log_bound itself; it
 * can't begin it anew. The caller closes it. Or -1 and `e`. */
int log_file_open(const char *path, uint64_t size, uint32_t keep, struct err *e);

#endif
