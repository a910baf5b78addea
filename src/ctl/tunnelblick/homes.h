/* The users' homes of a Mac's disk. */
#ifndef CTL_TUNNELBLICK_HOMES_H
#define CTL_TUNNELBLICK_HOMES_H

#include <sys/types.h>

/* Calls `visit` for each folder in ROOT/Users that belongs to a user other than root;
 * if this process is not root's, only for its own user's. */
void tblk_homes(const char *root, void (*visit)(const char *home, uid_t owner, void *argument),
		void *argument);

#endif
