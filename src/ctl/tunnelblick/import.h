/* `portcullis import NAME.tblk`: the configurations of a Tunnelblick bundle become root's profiles. */
#ifndef CTL_TUNNELBLICK_IMPORT_H
#define CTL_TUNNELBLICK_IMPORT_H

#include "base/err.h"

/* Imports each configuration in the folder `bundle` to `directory`, under
 * `name` if it is not NULL and there is only one. Everything in it is read in
 * children with the rights of the bundle's owner; names are resolved, which may
 * block. Prints what is left out and which settings carry over. If one fails, the
 * others are imported all the same. 0; or -1, with a line on stderr or in `e`. */
int tblk_import(const char *bundle, const char *name, const char *directory, struct err *e);

#endif
