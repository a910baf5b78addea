/* `portcullis import NAME.tblk`: a bundle of Tunnelblick's becomes profiles of root's. */
#ifndef CTL_TUNNELBLICK_IMPORT_H
#define CTL_TUNNELBLICK_IMPORT_H

#include "base/err.h"

/* Imports each configuration in the folder `bundle` to `directory`, under
 * `name` if it is not NULL and there is only one. Everything in it is read in
 * children with the rights of the bundle's owner; names are resolved, which may
 * block. Says what is left out and which settings carry over. One that fails
 * does not keep the others back. 0; or -1, with a line on stderr or in `e`. */
int tblk_import(const char *bundle, const char *name, const char *directory, struct err *e);

#endif
