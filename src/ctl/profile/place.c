/* Where a path really leads, and who could have changed that. */
#include "ctl/profile/place.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/shown.h"
#include "base/text.h"

enum { LINKS_MAX = 32, SHOWN_SIZE = 300 };

struct walk {
	const char *asked; /* for messages */
	struct place *place;
	char rest[2 * PLACE_PATH_SIZE]; /* what is still to be walked */
	unsigned links;
	bool anybody; /* a folder on the way is writable by everybody */
	struct err *e;
};

static int refuse(const struct walk *walk, const char *why)
{
	char name[SHOWN_SIZE];

	return err_set(walk->e, "%s: %s", shown(name, sizeof name, walk->asked), why);
}

static int add_owner(struct walk *walk, uid_t uid)
{
	char name[SHOWN_SIZE];

	if (uid == 0 || uid == walk->place->owner)
		return 0;
	if (walk->place->owner != 0)
		return err_set(walk->e,
			       "%s: users %u and %u could both have changed its path; instead: copy it to a "
			       "directory of one of them",
			       shown(name, sizeof name, walk->asked), (unsigned)walk->place->owner,
			       (unsigned)uid);
	walk->place->owner = uid;
	return 0;
}

/* The next part of the path; false at its end. */
static bool next_part(struct walk *walk, char *part, size_t size)
{
	size_t skip = strspn(walk->rest, "/"), length = strcspn(walk->rest + skip, "/");

	if (length == 0)
		return false;
	if (length >= size)
		length = size - 1;
	memcpy(part, walk->rest + skip, length);
	part[length] = '\0';
	memmove(walk->rest, walk->rest + skip + length, strlen(walk->rest + skip + length) + 1);
	return true;
}

static void go_up(char *path)
{
	char *slash = strrchr(path, '/');

	if (slash != NULL)
		*slash = '\0';
}

/* Puts the link's text before the rest of the path. */
static int follow(struct walk *walk, const char *link)
{
	char text[2 * PLACE_PATH_SIZE];
	ssize_t length = readlink(link, text, PLACE_PATH_SIZE);
	size_t used = (size_t)length;

	if (length <= 0 || length >= PLACE_PATH_SIZE || ++walk->links > LINKS_MAX)
		return refuse(walk, "a link to nothing; instead: the file itself");
	if (text[0] == '/')
		walk->place->path[0] = '\0';
	else
		go_up(walk->place->path);
	if (text_append(text, sizeof text, &used, "/%s", walk->rest) == -1 ||
	    text_copy(walk->rest, sizeof walk->rest, text) == -1)
		return refuse(walk, "the path is too long; instead: a shorter one");
	return 0;
}

/* Goes to `part` in the folder that walk->place->path names. */
static int step(struct walk *walk, const char *part)
{
	struct place *place = walk->place;
	size_t used = strlen(place->path);
	char name[SHOWN_SIZE];
	struct stat status;

	if (strcmp(part, ".") == 0)
		return 0;
	if (strcmp(part, "..") == 0) {
		go_up(place->path);
		return 0;
	}
	if (text_append(place->path, sizeof place->path, &used, "/%s", part) == -1)
		return refuse(walk, "the path is too long; instead: a shorter one");
	if (lstat(place->path, &status) == -1)
		return err_errno(walk->e, "%s", shown(name, sizeof name, walk->asked));
	if (add_owner(walk, status.st_uid) == -1)
		return -1;
	if (S_ISLNK(status.st_mode))
		return follow(walk, place->path);
	if (S_ISDIR(status.st_mode) && (status.st_mode & S_IWOTH) && !(status.st_mode & S_ISVTX))
		walk->anybody = true;
	return 0;
}

static int begin(struct walk *walk)
{
	size_t used = 0;

	if (walk->asked[0] != '/' && getcwd(walk->rest, PLACE_PATH_SIZE) == NULL)
		return refuse(walk, "the current directory can't be determined; instead: an absolute path");
	used = strlen(walk->rest);
	if (text_append(walk->rest, PLACE_PATH_SIZE, &used, "/%s", walk->asked) == -1)
		return refuse(walk, "the path is too long; instead: a shorter one");
	return 0;
}

int place_find(const char *path, struct place *place, struct err *e)
{
	struct walk walk = {.asked = path, .place = place, .e = e};
	char part[PLACE_PATH_SIZE], name[SHOWN_SIZE];
	struct stat status;

	memset(place, 0, sizeof *place);
	if (begin(&walk) == -1)
		return -1;
	while (next_part(&walk, part, sizeof part)) {
		if (step(&walk, part) == -1)
			return -1;
	}
	if (place->path[0] == '\0')
		text_copy(place->path, sizeof place->path, "/");
	if (lstat(place->path, &status) == -1)
		return err_errno(e, "%s", shown(name, sizeof name, path));
	place->device = status.st_dev;
	place->inode = status.st_ino;
	place->mode = status.st_mode;
	if (place->owner == 0 && (walk.anybody || (status.st_mode & (S_IWGRP | S_IWOTH)) != 0))
		return refuse(&walk, "others may have changed it, and root would read it; instead: chmod "
				     "go-w, or chown it to its user");
	return 0;
}

int place_open(const struct place *place, struct err *e)
{
	int fd = open(place->path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	char name[SHOWN_SIZE];
	struct stat status;

	shown(name, sizeof name, place->path);
	if (fd == -1 && errno == EACCES)
		return err_set(e,
			       "%s: user %u, who could have changed it, may not read it; instead: chown it, "
			       "or copy it to a directory of root's",
			       name, (unsigned)place->owner);
	if (fd == -1)
		return err_errno(e, "%s", name);
	if (fstat(fd, &status) == 0 && status.st_dev == place->device && status.st_ino == place->inode)
		return fd;
	close(fd);
	return err_set(e, "%s: it was replaced while it was being checked", name);
}
