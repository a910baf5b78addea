/* Resolves the names of a profile's servers, while the machine is open. */
#ifndef CTL_PROFILE_RESOLVE_H
#define CTL_PROFILE_RESOLVE_H

#include "base/err.h"
#include "profile/profile.h"

/* Asks the system's resolver for each name and keeps the addresses in the
 * profile; a name that has none is a note on stderr. Blocks. 0, or -1 and `e`
 * if no remote has any address. */
int profile_resolve(struct profile *profile, struct err *e);

#endif
