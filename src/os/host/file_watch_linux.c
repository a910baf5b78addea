/* The file watch port on Linux: inotify on the folders, which a replaced file does not take away. */
#include "os/host/file_watch.h"

#include <event2/event.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/text.h"

enum {
	EVENTS = IN_CLOSE_WRITE | IN_MODIFY | IN_ATTRIB | IN_CREATE | IN_DELETE | IN_MOVED_FROM |
		 IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF,
	ALWAYS = IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED | IN_UNMOUNT | IN_Q_OVERFLOW
};

/* A file by its name in a folder; if the folder does not exist, the nearest one that does, and what would
 * have to come to be in it. */
struct watched {
	int number; /* -1: none */
	char name[NAME_MAX + 1];
};

struct file_watch {
	int inotify;
	struct event *readable;
	struct watched files[FILE_WATCH_FILES];
	file_watch_cb *changed;
	void *argument;
};

/* Which of the files it is about. */
static unsigned files_of(const struct file_watch *watch, const struct inotify_event *event)
{
	unsigned which = 0;

	for (size_t i = 0; i < FILE_WATCH_FILES; i++) {
		const struct watched *file = &watch->files[i];
		bool here = file->number == event->wd && (event->mask & ALWAYS) != 0;
		bool named =
		    file->number == event->wd && event->len > 0 && strcmp(event->name, file->name) == 0;

		if (here || named || (event->mask & IN_Q_OVERFLOW) != 0)
			which |= 1U << i;
	}
	return which;
}

static void inotify_cb(evutil_socket_t fd, short what, void *argument)
{
	_Alignas(struct inotify_event) char bytes[16 * 1024];
	struct file_watch *watch = argument;
	const struct inotify_event *event;
	unsigned which = 0;
	ssize_t got;

	(void)what;
	while ((got = read(fd, bytes, sizeof bytes)) > 0) {
		for (ssize_t at = 0; at < got; at += (ssize_t)(sizeof *event + event->len)) {
			event = (const void *)(bytes + at);
			which |= files_of(watch, event);
		}
	}
	if (which != 0)
		watch->changed(which, watch->argument);
}

struct file_watch *file_watch_open(struct event_base *base, file_watch_cb *changed, void *argument,
				   struct err *e)
{
	struct file_watch *watch = calloc(1, sizeof *watch);

	if (watch == NULL) {
		err_errno(e, "watching files");
		return NULL;
	}
	*watch = (struct file_watch){
	    .inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC), .changed = changed, .argument = argument};
	for (size_t i = 0; i < FILE_WATCH_FILES; i++)
		watch->files[i].number = -1;
	if (watch->inotify == -1)
		err_errno(e, "watching files");
	else if ((watch->readable =
		      event_new(base, watch->inotify, EV_READ | EV_PERSIST, inotify_cb, watch)) == NULL ||
		 event_add(watch->readable, NULL) == -1)
		err_set(e, "watching files: no event");
	else
		return watch;
	file_watch_close(watch);
	return NULL;
}

/* The folder of `path`, or the nearest one above it that exists. */
static int watch_file(struct file_watch *watch, struct watched *file, const char *path, struct err *e)
{
	char folder[PATH_MAX], *slash;

	if (text_copy(folder, sizeof folder, path) == -1)
		return err_set(e, "%s: the path is too long", path);
	while (file->number == -1 && (slash = strrchr(folder, '/')) != NULL) {
		text_copy(file->name, sizeof file->name, slash + 1);
		*slash = '\0';
		file->number =
		    inotify_add_watch(watch->inotify, folder[0] != '\0' ? folder : "/", EVENTS | IN_ONLYDIR);
	}
	return file->number == -1 ? err_errno(e, "%s can't be watched", path) : 0;
}

static bool is_used(const struct file_watch *watch, int number)
{
	for (size_t i = 0; i < FILE_WATCH_FILES; i++) {
		if (watch->files[i].number == number)
			return true;
	}
	return false;
}

/* A folder that is watched already keeps its number, so that what waits to be read of it is not lost. */
int file_watch_set(struct file_watch *watch, const char *const *paths, size_t count, struct err *e)
{
	int before[FILE_WATCH_FILES], result = 0;

	for (size_t i = 0; i < FILE_WATCH_FILES; i++) {
		before[i] = watch->files[i].number;
		watch->files[i].number = -1;
	}
	for (size_t i = 0; i < count && i < FILE_WATCH_FILES; i++) {
		if (paths[i][0] != '\0' && watch_file(watch, &watch->files[i], paths[i], e) == -1)
			result = -1;
	}
	for (size_t i = 0; i < FILE_WATCH_FILES; i++) {
		if (before[i] != -1 && !is_used(watch, before[i]))
			(void)inotify_rm_watch(watch->inotify, before[i]);
	}
	return result;
}

void file_watch_close(struct file_watch *watch)
{
	if (watch == NULL)
		return;
	if (watch->readable != NULL)
		event_free(watch->readable);
	if (watch->inotify != -1)
		close(watch->inotify);
	free(watch);
}
