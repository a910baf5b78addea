/* Tunnelblick's bundles: which files in one are configurations, what they are called,
 * and where Tunnelblick keeps the bundles. Pure. */
#ifndef CTL_TUNNELBLICK_BUNDLE_H
#define CTL_TUNNELBLICK_BUNDLE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "ctl/profile/folder.h"

enum { TBLK_MAX = 64, TBLK_PATH_SIZE = 1024, TBLK_NAME_SIZE = 65 };

/* One configuration of a bundle. */
struct tblk {
	char path[TBLK_PATH_SIZE];    /* of its file, in the bundle */
	char display[TBLK_PATH_SIZE]; /* what Tunnelblick calls it */
	char name[TBLK_NAME_SIZE];    /* what it is called here: letters, digits, '.', '_', '-' */
	size_t inner; /* how many bytes of `path` name the bundle inside the bundle; 0: none */
};

struct tblk_list {
	struct tblk *all; /* TBLK_MAX of them; the caller's */
	size_t count;
};

bool tblk_is_bundle(const char *path); /* does the name end in .tblk? */
bool tblk_is_configuration(const char *path);

/* The configurations among the files found in the bundle `bundle`, each with another
 * name. 0, or -1 and `e`: there are none, or Tunnelblick would refuse the bundle. */
int tblk_choose(const struct folder_list *found, const char *bundle, struct tblk_list *list, struct err *e);

/* Makes a valid name for a profile from Tunnelblick's `display`. */
void tblk_name(const char *display, char *name);

/* --- where a bundle lies: paths are absolute, without links and "..". */

enum tblk_kind { TBLK_ELSEWHERE, TBLK_PRIVATE, TBLK_SHARED, TBLK_SHADOW, TBLK_DEPLOYED };

struct tblk_place {
	enum tblk_kind kind;
	char root[TBLK_PATH_SIZE];    /* of the disk: "" or without a '/' at its end */
	char home[TBLK_PATH_SIZE];    /* whose settings count; "": nobody's, or everybody's */
	char display[TBLK_PATH_SIZE]; /* what Tunnelblick calls it: "Work/Home" */
};

void tblk_place(const char *path, struct tblk_place *place);

/* The file in /Library/LaunchDaemons that connects it when the machine starts. */
int tblk_launch_daemon(const char *display, char *file, size_t size);

#endif
