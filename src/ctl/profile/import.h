/* `portcullis import`: a user's profile becomes one of root's. */
#ifndef CTL_PROFILE_IMPORT_H
#define CTL_PROFILE_IMPORT_H

/* `portcullis import FILE.ovpn|BUNDLE.tblk [NAME]`: root only. FILE and the files that
 * it refers to are read in a child, with the rights of the user who could have changed
 * it. Names are resolved, and the new profile is written to
 * SYSCONFDIR/portcullis/profiles as NAME.ovpn (NULL: named after the file). May block
 * in the resolver. Returns the exit code, 0 or 1. */
int import_profile(const char *file, const char *name);

/* The same, `import --to DIRECTORY`. */
int import_profile_to(const char *file, const char *name, const char *directory);

#endif
