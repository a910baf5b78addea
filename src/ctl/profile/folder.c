/* A folder of somebody else's, listed and read without following any link in it. */
#include "ctl/profile/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/shown.h"
#include "base/text.h"
#include "ctl/profile/regular.h"

enum { PATH_SIZE = 1024, SHOWN_SIZE = 300, DEPTH_MAX = 8, ITEMS_MAX = 4096, NAMES_MAX = ITEMS_MAX + 1 };
enum {
	/* Not blocking: it may be a pipe without a writer. */
	OPEN_FILE = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC,
	OPEN_FOLDER = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC
};

/* With root's rights nothing is read that somebody else could have put there. */
static int check_roots(int descriptor, const char *name, struct err *e)
{
	struct stat status;

	if (geteuid() != 0)
		return 0;
	if (fstat(descriptor, &status) == 0 && status.st_uid == 0 && (status.st_mode & 022) == 0)
		return 0;
	return err_set(e,
		       "%s: others may have changed it, and root would read it; instead: chown -R root and "
		       "chmod -R go-w, or chown -R to its user",
		       name);
}

int folder_open(struct folder *folder, const char *path, struct err *e)
{
	char name[SHOWN_SIZE];

	folder->descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (folder->descriptor == -1)
		return err_errno(e, "%s", shown(name, sizeof name, path));
	return folder_adopt(folder, folder->descriptor, path, e);
}

int folder_adopt(struct folder *folder, int descriptor, const char *path, struct err *e)
{
	char name[SHOWN_SIZE];

	folder->descriptor = descriptor;
	if (check_roots(descriptor, shown(name, sizeof name, path), e) == 0)
		return 0;
	folder_close(folder);
	return -1;
}

void folder_close(struct folder *folder)
{
	close(folder->descriptor);
	folder->descriptor = -1;
}

/* Why `name` in the folder `at` could not be opened. */
static int explain(int at, const char *name, const char *relative, struct err *e)
{
	int cause = errno;
	char as_shown[SHOWN_SIZE];
	struct stat status;

	shown(as_shown, sizeof as_shown, relative);
	if (fstatat(at, name, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(status.st_mode))
		return err_set(
		    e, "%s: a link, and links are not followed; instead: put the file itself in its place",
		    as_shown);
	errno = cause;
	err_errno(e, "%s", as_shown);
	if (cause == EACCES)
		err_set(e, "%s: user %u may not read it; instead: chown -R, or chmod -R u+rX", as_shown,
			(unsigned)geteuid());
	return cause == ENOENT || cause == ENOTDIR ? 1 : -1;
}

/* Opens each part of `relative` in the one before. The descriptor; or -1 and
 * *result and `e` as folder_read has them. */
static int descend(const struct folder *folder, const char *relative, int *result, struct err *e)
{
	char path[PATH_SIZE], *part = path, *slash;
	int at = dup(folder->descriptor), next;

	*result = -1;
	if (text_copy(path, sizeof path, relative) == -1) {
		err_set(e, "a path in the directory is too long; instead: shorter names");
		close(at);
		return -1;
	}
	for (;; part = slash + 1) {
		if ((slash = strchr(part, '/')) != NULL)
			*slash = '\0';
		if (part[0] == '\0' || strcmp(part, ".") == 0 || strcmp(part, "..") == 0) {
			err_set(e, "a path that leads out of the directory; instead: a file inside it");
			next = -1;
		} else if ((next = openat(at, part, slash != NULL ? OPEN_FOLDER : OPEN_FILE)) == -1) {
			*result = explain(at, part, relative, e);
		}
		close(at);
		if ((at = next) == -1 || slash == NULL)
			return at;
		if (check_roots(at, part, e) == -1)
			break;
	}
	close(at);
	return -1;
}

int folder_read(const struct folder *folder, const char *relative, size_t max, char **bytes, size_t *length,
		struct err *e)
{
	char name[SHOWN_SIZE];
	int result, descriptor = descend(folder, relative, &result, e);

	*bytes = NULL;
	if (descriptor == -1)
		return result;
	shown(name, sizeof name, relative);
	result = check_roots(descriptor, name, e) == -1
		     ? -1
		     : regular_read(descriptor, name, max, bytes, length, e);
	close(descriptor);
	return result;
}

/* --- the walk */

struct walk {
	struct folder_list *list;
	size_t room;
	const char *stop;
	struct err *e;
};

static int add(struct walk *walk, const char *under, const char *name, enum folder_kind kind)
{
	struct folder_list *list = walk->list;
	size_t size = strlen(under) + strlen(name) + 2, used = 0;
	struct folder_item *items;

	if (list->count == ITEMS_MAX || size > PATH_SIZE)
		return err_set(walk->e,
			       "it contains more than a VPN needs; instead: only Tunnelblick's files");
	if (list->count == walk->room) {
		walk->room = walk->room == 0 ? 64 : walk->room * 2;
		if ((items = realloc(list->items, walk->room * sizeof *items)) == NULL)
			return err_set(walk->e, "no memory");
		list->items = items;
	}
	if ((list->items[list->count].path = malloc(size)) == NULL)
		return err_set(walk->e, "no memory");
	text_append(list->items[list->count].path, size, &used, "%s%s%s", under, under[0] != '\0' ? "/" : "",
		    name);
	list->items[list->count++].kind = kind;
	return 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Finder's files, and those that archives made on a Mac contain beside each file. */
static bool is_hidden(const char *name)
{
	return name[0] == '.' || strcmp(name, "__MACOSX") == 0;
}

/* The names in an open folder, sorted; takes the descriptor. The number, or -1 and `e`. */
static int names_in(int descriptor, char *names[NAMES_MAX], struct err *e)
{
	DIR *stream = fdopendir(descriptor);
	const struct dirent *entry;
	int count = 0;

	if (stream == NULL) {
		err_errno(e, "a folder in it");
		close(descriptor);
		return -1;
	}
	while (count < NAMES_MAX && (entry = readdir(stream)) != NULL) {
		if (is_hidden(entry->d_name))
			continue;
		if ((names[count] = strdup(entry->d_name)) == NULL)
			break;
		count++;
	}
	closedir(stream);
	qsort(names, (size_t)count, sizeof *names, by_name);
	return count;
}

static enum folder_kind kind_of(int at, const char *name)
{
	struct stat status;

	if (fstatat(at, name, &status, AT_SYMLINK_NOFOLLOW) == -1)
		return FOLDER_OTHER;
	return S_ISREG(status.st_mode)   ? FOLDER_FILE
	       : S_ISDIR(status.st_mode) ? FOLDER_FOLDER
	       : S_ISLNK(status.st_mode) ? FOLDER_LINK
					 : FOLDER_OTHER;
}

static bool ends_in(const char *name, const char *end)
{
	size_t length = strlen(name), tail = end != NULL ? strlen(end) : 0;

	return tail > 0 && length >= tail && strcasecmp(name + length - tail, end) == 0;
}

static int walk_folder(struct walk *walk, int at, const char *under, int depth);

static int walk_into(struct walk *walk, int at, const char *name, const char *under, int depth)
{
	char path[PATH_SIZE], as_shown[SHOWN_SIZE];
	size_t used = 0;
	int result, inner = openat(at, name, OPEN_FOLDER);

	text_append(path, sizeof path, &used, "%s%s%s", under, under[0] != '\0' ? "/" : "", name);
	shown(as_shown, sizeof as_shown, path);
	if (inner == -1)
		return err_errno(walk->e, "%s", as_shown);
	if (depth == DEPTH_MAX)
		result = err_set(walk->e, "%s: nested deeper than %d directories; instead: fewer", as_shown,
				 DEPTH_MAX);
	else if ((result = check_roots(inner, as_shown, walk->e)) == 0)
		result = walk_folder(walk, inner, path, depth + 1);
	close(inner);
	return result;
}

static int walk_folder(struct walk *walk, int at, const char *under, int depth)
{
	char **names = calloc(NAMES_MAX, sizeof *names);
	/* Not dup: the two would share their position in the folder. */
	int descriptor = openat(at, ".", OPEN_FOLDER), count = -1, result = 0;

	if (names == NULL || descriptor == -1) {
		err_errno(walk->e, "a folder in it");
		if (descriptor != -1)
			close(descriptor);
	} else {
		count = names_in(descriptor, names, walk->e);
	}
	for (int i = 0; i < count; i++) {
		enum folder_kind kind = kind_of(at, names[i]);

		if (result == 0)
			result = add(walk, under, names[i], kind);
		if (result == 0 && kind == FOLDER_FOLDER && !ends_in(names[i], walk->stop))
			result = walk_into(walk, at, names[i], under, depth);
		free(names[i]);
	}
	free(names);
	return count == -1 ? -1 : result;
}

int folder_walk(const struct folder *folder, const char *stop, struct folder_list *list, struct err *e)
{
	struct walk walk = {.list = list, .stop = stop, .e = e};

	*list = (struct folder_list){NULL, 0};
	if (walk_folder(&walk, folder->descriptor, "", 0) == 0)
		return 0;
	folder_list_free(list);
	return -1;
}

void folder_list_free(struct folder_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->items[i].path);
	free(list->items);
	*list = (struct folder_list){NULL, 0};
}
