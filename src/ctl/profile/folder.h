/* A folder of somebody else's, listed and read without following any link in it. */
#ifndef CTL_PROFILE_FOLDER_H
#define CTL_PROFILE_FOLDER_H

#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"

enum folder_kind { FOLDER_FILE, FOLDER_FOLDER, FOLDER_LINK, FOLDER_OTHER };

/* One thing in it; `path` is relative to the folder. */
struct folder_item {
	char *path;
	enum folder_kind kind;
};

struct folder_list {
	struct folder_item *items; /* sorted by name, each folder before its contents */
	size_t count;
};

struct folder {
	int descriptor;
};

/* Opens `path`. If this process is root, everything that is read in the folder later must be root's and not
 * writable by others. 0, or -1 and `e`. */
int folder_open(struct folder *folder, const char *path, struct err *e);
/* The same for an open folder; owns the descriptor from now on, also on failure. */
int folder_adopt(struct folder *folder, int descriptor, const char *path, struct err *e);
void folder_close(struct folder *folder);

/* The regular file at `relative`, at most `max` bytes; the caller frees.
 * 0; 1 and `e` if there is no such file; -1 and `e`. */
int folder_read(const struct folder *folder, const char *relative, size_t max, char **bytes, size_t *length,
		struct err *e);

/* Everything in it except hidden files, at most 8 folders deep and 4096 entries.
 * Folders whose name ends in `stop` are listed but not entered (NULL: all are).
 * The caller frees with folder_list_free. 0, or -1 and `e`. */
int folder_walk(const struct folder *folder, const char *stop, struct folder_list *list, struct err *e);
void folder_list_free(struct folder_list *list);

#endif
