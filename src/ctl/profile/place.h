/* Where a path really leads, and who could have changed that. */
#ifndef CTL_PROFILE_PLACE_H
#define CTL_PROFILE_PLACE_H

#include <sys/types.h>

#include "base/err.h"

enum { PLACE_PATH_SIZE = 4096 };

struct place {
	char path[PLACE_PATH_SIZE]; /* absolute, without links and ".." */
	uid_t owner;                /* whose rights it may be read with; 0: only root could have changed it */
	dev_t device;
	ino_t inode;
	mode_t mode;
};

/* Examines each folder, each link and the file at the end. If any of them belongs to
 * a user, that user becomes the owner. If two users, or everybody, could have changed
 * something, it is refused. Opens nothing. 0, or -1 and `e`. */
int place_find(const char *path, struct place *place, struct err *e);

/* Opens it with the rights of this process, if it is still the same file as when it
 * was found; does not wait for the other end of a pipe. The descriptor, or -1 and `e`. */
int place_open(const struct place *place, struct err *e);

#endif
