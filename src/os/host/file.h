/* The file port: folders, listening sockets and small files, made safely. */
#ifndef OS_HOST_FILE_H
#define OS_HOST_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

/* Creates `path` and what is missing above it. An existing folder is taken
 * whatever its mode, if it is ours and nobody else may write to it. 0, or -1 and `e`. */
int file_folder(const char *path, mode_t mode, struct err *e);

/* The same for the folder that `file` lies in. */
int file_folder_of(const char *file, mode_t mode, struct err *e);

/* Opens a file of root's (or the caller's own) to read, without following a
 * link: a regular one, with none of the mode bits `never`. Or -1 and `e`. */
int file_open_owned(const char *path, mode_t never, struct err *e);

/* Can only root (or the caller) change `path`, or put something else in its place? Each folder above it is
 * checked, down from `from`, and so is what links lead to. 0, or -1 and `e`. */
int file_is_trusted(const char *from, const char *path, struct err *e);

/* Is the folder of `path` available as soon as `root` and its /usr are, without waiting for another file
 * system to be mounted? True also if that can't be determined. */
bool file_is_early(const char *root, const char *path);

/* A folder of ours and the files in it. 0 also if it is not there; -1 and `e`. */
int file_remove_folder(const char *path, struct err *e);

/* A listening local socket at `path`, replacing what an earlier run left;
 * root's, and `gid`'s unless that is -1. The descriptor, non-blocking, or -1 and `e`. */
int file_listener(const char *path, mode_t mode, int64_t gid, struct err *e);

/* One small file written whole, mode 0600: another name first, then renamed;
 * `durable`: on the disk before. 0, or -1 with errno: then the old one stands. */
int file_save(const char *path, const char *text, bool durable);

/* Reads it into `to`, cut and terminated. 0, or -1 with errno. No link is followed. */
int file_load(const char *path, char *to, size_t size);

#endif
