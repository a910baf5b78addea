/* Where a path really leads, and whose hands are in it. */
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

/* Looks at each folder, each link and the thing at the end. Where anything of
 * it is a user's, that user is the owner; where two users have a hand in it, or
 * anybody could have, it is refused. Opens nothing. 0, or -1 and `e`. */
int place_find(const char *path, struct place *place, struct err *e);

/* Opens what is still the same thing as when it was found, with the rights of
 * this process and without waiting for a pipe's other end. The descriptor, or
 * -1 and `e`. */
int place_open(const struct place *place, struct err *e);

#endif
