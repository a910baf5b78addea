/* `portcullis import`: a user's profile becomes one of root's. */
#ifndef CTL_PROFILE_IMPORT_H
#define CTL_PROFILE_IMPORT_H

/* `portcullis import FILE.ovpn|BUNDLE.tblk [NAME]`: root only. FILE and what it
 * refers to are read in a child with the rights of whose hands are in it, names are
 * resolved, the new profile is written to SYSCONFDIR/portcullis/profiles as
 * NAME.ovpn (NULL: after the file). May block in the resolver. Returns the exit
 * code, 0 or 1. */
int import_profile(const char *file, const char *name);

/* The same, `import --to DIRECTORY`. */
int import_profile_to(const char *file, const char *name, const char *directory);

#endif
