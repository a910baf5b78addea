/* The file watch port on macOS and FreeBSD: kqueue on each file, and on its folder, for another file of that
 * name. */
#include "os/host/file_watch.h"

#include <event2/event.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/event.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/text.h"

enum {
	CHANGES = NOTE_WRITE | NOTE_EXTEND | NOTE_ATTRIB | NOTE_DELETE | NOTE_RENAME | NOTE_LINK | NOTE_REVOKE
};

/* A file, and its folder, or the nearest one above it that exists. -1: not there. */
struct watched {
	int file, folder;
	char path[PATH_MAX];
};

struct file_watch {
	int queue;
	struct event *readable;
	struct watched files[FILE_WATCH_FILES];
	file_watch_cb *changed;
	void *argument;
};

/* Is there another file of that name than the one that is open, or one where none was, or none any more? */
static bool is_other(const struct watched *watched)
{
	struct stat open_one, named;
	bool is_open = watched->file != -1 && fstat(watched->file, &open_one) == 0;
	bool is_named = lstat(watched->path, &named) == 0;

	return is_open != is_named ||
	       (is_open && (open_one.st_ino != named.st_ino || open_one.st_dev != named.st_dev));
}

static void report(struct file_watch *watch)
{
	static const struct timespec now = {0};
	struct kevent event;
	unsigned which = 0;

	while (kevent(watch->queue, NULL, 0, &event, 1, &now) == 1) {
		for (size_t i = 0; i < FILE_WATCH_FILES; i++) {
			const struct watched *watched = &watch->files[i];

			if ((int)event.ident == watched->file ||
			    ((int)event.ident == watched->folder && is_other(watched)))
				which |= 1U << i;
		}
	}
	if (which != 0)
		watch->changed(which, watch->argument);
}

static void kqueue_cb(evutil_socket_t fd, short what, void *argument)
{
	(void)fd, (void)what;
	report(argument);
}

struct file_watch *file_watch_open(struct event_base *base, file_watch_cb *changed, void *argument,
				   struct err *e)
{
	struct file_watch *watch = calloc(1, sizeof *watch);

	if (watch == NULL) {
		err_errno(e, "watching files");
		return NULL;
	}
	*watch = (struct file_watch){.queue = kqueue(), .changed = changed, .argument = argument};
	for (size_t i = 0; i < FILE_WATCH_FILES; i++)
		watch->files[i].file = watch->files[i].folder = -1;
	if (watch->queue == -1 || fcntl(watch->queue, F_SETFD, FD_CLOEXEC) == -1)
		err_errno(e, "watching files");
	else if ((watch->readable = event_new(base, watch->queue, EV_READ | EV_PERSIST, kqueue_cb, watch)) ==
		     NULL ||
		 event_add(watch->readable, NULL) == -1)
		err_set(e, "watching files: no event");
	else
		return watch;
	file_watch_close(watch);
	return NULL;
}

/* Closing a descriptor ends its watch. The descriptor, or -1 and errno. */
static int open_watched(const struct file_watch *watch, const char *path, int flags)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | flags);
	struct kevent change;

	if (fd == -1)
		return -1;
	EV_SET(&change, (uintptr_t)fd, EVFILT_VNODE, EV_ADD | EV_CLEAR, CHANGES, 0, NULL);
	if (kevent(watch->queue, &change, 1, NULL, 0, NULL) == 0)
		return fd;
	close(fd);
	return -1;
}

static int watch_file(struct file_watch *watch, struct watched *watched, const char *path, struct err *e)
{
	char folder[PATH_MAX], *slash;

	if (text_copy(watched->path, sizeof watched->path, path) == -1)
		return err_set(e, "%s: the path is too long", path);
	text_copy(folder, sizeof folder, path);
	while (watched->folder == -1 && (slash = strrchr(folder, '/')) != NULL) {
		*slash = '\0';
		watched->folder = open_watched(watch, folder[0] != '\0' ? folder : "/", O_DIRECTORY);
	}
	/* After the folder: a file that comes in between is seen here. */
	watched->file = open_watched(watch, path, O_NOFOLLOW);
	return watched->folder == -1 ? err_errno(e, "%s can't be watched", path) : 0;
}

static void close_all(struct file_watch *watch)
{
	for (size_t i = 0; i < FILE_WATCH_FILES; i++) {
		if (watch->files[i].file != -1)
			close(watch->files[i].file);
		if (watch->files[i].folder != -1)
			close(watch->files[i].folder);
		watch->files[i].file = watch->files[i].folder = -1;
	}
}

int file_watch_set(struct file_watch *watch, const char *const *paths, size_t count, struct err *e)
{
	int result = 0;

	report(watch); /* what has not been read of them yet */
	close_all(watch);
	for (size_t i = 0; i < count && i < FILE_WATCH_FILES; i++) {
		if (paths[i][0] != '\0' && watch_file(watch, &watch->files[i], paths[i], e) == -1)
			result = -1;
	}
	return result;
}

void file_watch_close(struct file_watch *watch)
{
	if (watch == NULL)
		return;
	if (watch->readable != NULL)
		event_free(watch->readable);
	close_all(watch);
	if (watch->queue != -1)
		close(watch->queue);
	free(watch);
}
