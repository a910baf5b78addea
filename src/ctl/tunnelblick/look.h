/* `portcullis import --tunnelblick`: what Tunnelblick has, and how to import it. */
#ifndef CTL_TUNNELBLICK_LOOK_H
#define CTL_TUNNELBLICK_LOOK_H

/* Lists on stdout the configurations in Tunnelblick's folders on the disk at `root`
 * ("": this one): whose each is, whether it is complete, the command that imports it,
 * and, if Tunnelblick connects it by itself, how to turn that off. Everything is read
 * in children with the rights of the folder's owner; without root only the caller's
 * own. Changes nothing. Returns the exit code, 0 or 1. */
int tblk_look(const char *root);

#endif
