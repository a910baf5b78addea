/* `portcullis import --tunnelblick`: what Tunnelblick has, and how to import it. */
#ifndef CTL_TUNNELBLICK_LOOK_H
#define CTL_TUNNELBLICK_LOOK_H

/* Lists on stdout what lies in Tunnelblick's folders on the disk at `root` (""
 * is this one): each with whose it is, whether it is whole, the command that
 * imports it, and, if Tunnelblick connects it by itself, how to switch that off.
 * Everything is read in children with the rights of the folder's owner; without
 * root only what is the caller's own. Changes nothing. The exit code, 0 or 1. */
int tblk_look(const char *root);

#endif
