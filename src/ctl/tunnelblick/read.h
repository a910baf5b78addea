/* Reads a Tunnelblick bundle and the settings for it, with the rights of this process. */
#ifndef CTL_TUNNELBLICK_READ_H
#define CTL_TUNNELBLICK_READ_H

#include <stdbool.h>

#include "base/err.h"
#include "ctl/profile/folder.h"
#include "ctl/tunnelblick/bundle.h"
#include "ctl/tunnelblick/settings.h"
#include "profile/profile.h"

/* A configuration in an open bundle. */
struct tblk_file {
	const struct folder *folder;
	const char *bundle; /* its path, for messages */
	const struct tblk *one;
	bool quiet; /* no notes on stderr */
};

/* The configurations of the bundle at `bundle`, in *list as tblk_choose makes it.
 * Prints a note for each link in it unless `quiet`. 0, or -1 and `e`. */
int tblk_read_list(const struct folder *folder, const char *bundle, bool quiet, struct tblk_list *list,
		   struct err *e);

/* Vets one, with the files that it refers to: each is searched for in its folder, by
 * the last part of its path, as Tunnelblick does. The caller frees. NULL and `e`. */
struct profile *tblk_read_profile(const struct tblk_file *file, struct err *e);

/* Prints a note on stderr for each script in its folder. */
void tblk_note_scripts(const struct tblk_file *file);

/* Reads the Info.plist files of the bundle and the preferences that belong to `place`.
 * Prints a note on stderr for what can't be read unless `quiet`. */
void tblk_read_settings(const struct tblk_file *file, const struct tblk_place *place,
			struct tblk_settings *settings);

/* A line that says how to keep Tunnelblick from connecting this configuration; doing so is left to the user.
 */
void tblk_switch_off_advice(const struct tblk_settings *settings, char *line, size_t size);

#endif
