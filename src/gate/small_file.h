/* gate: the small files of the runtime and the state directory. */
#ifndef GATE_SMALL_FILE_H
#define GATE_SMALL_FILE_H

#include <stdint.h>

/* "FOLDER/NAME" to `to` of PATH_MAX bytes; a folder that is too long is cut. Returns `to`. */
const char *small_file_path(const char *folder, const char *name, char *to);

/* The number from 1 to `most` that is the file's one line. 0, or -1: there is no such file, or it says
 * something else. Reads the file, without following a link. */
int small_file_number(const char *path, uint64_t most, uint64_t *number);

#endif
