/* Profiles as files, and `portcullis check FILE`. */
#ifndef CTL_PROFILE_CHECK_H
#define CTL_PROFILE_CHECK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "ctl/profile/place.h"
#include "profile/profile.h"

/* `portcullis check FILE`: vets a profile, without a daemon. Prints what is
 * dropped and what is needed; a refusal is one line on stderr. Returns the
 * exit code, 0 or 1. */
int check_profile(const char *file);

/* Reads and parses `file`, following links. The files that it refers to are read
 * from its folder, with the rights of this process; notices go to stderr unless
 * `quiet`. NULL and `e` if it is refused. */
struct profile *profile_file_parse(const char *file, bool quiet, struct err *e);

/* The same for exactly the file that place_find found. If this process is root,
 * the files that it refers to must lie in its folder, and only root may be able to
 * change them. */
struct profile *profile_place_parse(const char *file, const struct place *place, struct err *e);

/* Prints the remotes and what the profile needs to stdout. */
void profile_file_describe(const struct profile *profile);

#endif
