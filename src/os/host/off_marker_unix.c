/* The off marker: one line with the names of the boot and of the network. */
#include "os/host/off_marker.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/host/off_marker_names.h"

enum { LINE_SIZE = 160 };

struct place {
	const char *directory, *path;
};

static const struct place places[] = {
    {PORTCULLIS_RUNDIR "/portcullis", OFF_MARKER_BOOT},
    {PORTCULLIS_STATEDIR "/portcullis", OFF_MARKER_PERSIST},
};

/* What a marker must hold, here and now. */
static int marker_line(bool persist, char *to, size_t size)
{
	char boot[LINE_SIZE / 2] = "persist", net[LINE_SIZE / 3];

	if ((!persist && off_marker_boot(boot, sizeof boot) == -1) ||
	    off_marker_network(net, sizeof net) == -1)
		return -1;
	snprintf(to, size, "%s %s\n", boot, net);
	return 0;
}

static bool is_roots(int descriptor, mode_t type)
{
	struct stat status;

	return fstat(descriptor, &status) == 0 && (status.st_mode & S_IFMT) == type && status.st_uid == 0 &&
	       (status.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

/* The directory, if nobody but root can put something there. -1 else. */
static int open_directory(const char *path)
{
	int directory = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (directory != -1 && !is_roots(directory, S_IFDIR)) {
		close(directory);
		errno = EPERM;
		return -1;
	}
	return directory;
}

static bool is_valid(const struct place *place, bool persist)
{
	char want[LINE_SIZE], have[LINE_SIZE + 1];
	int directory, descriptor = -1;
	ssize_t length = -1;

	if (marker_line(persist, want, sizeof want) == -1 ||
	    (directory = open_directory(place->directory)) == -1)
		return false;
	descriptor = openat(directory, "off", O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (descriptor != -1 && is_roots(descriptor, S_IFREG))
		length = read(descriptor, have, sizeof have);
	if (descriptor != -1)
		close(descriptor);
	close(directory);
	return length == (ssize_t)strlen(want) && memcmp(have, want, (size_t)length) == 0;
}

bool off_marker_valid(void)
{
	return is_valid(&places[0], false) || is_valid(&places[1], true);
}

static int clear_one(const struct place *place, struct err *e)
{
	if (unlink(place->path) == -1 && errno != ENOENT && errno != ENOTDIR)
		return err_errno(e, "%s can't be removed", place->path);
	return 0;
}

int off_marker_clear(struct err *e)
{
	int boot = clear_one(&places[0], e), persist = clear_one(&places[1], boot == 0 ? e : NULL);

	return boot == 0 && persist == 0 ? 0 : -1;
}

/* A new file beside, then a rename: a torn write leaves no marker. */
static int put_line(int directory, const char *line)
{
	size_t length = strlen(line);
	int descriptor, result;

	(void)unlinkat(directory, ".off", 0);
	descriptor = openat(directory, ".off", O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (descriptor == -1)
		return -1;
	result = write(descriptor, line, length) == (ssize_t)length && fsync(descriptor) == 0 ? 0 : -1;
	if (close(descriptor) == -1 || result == -1 || renameat(directory, ".off", directory, "off") == -1) {
		int cause = errno != 0 ? errno : ENOSPC;

		(void)unlinkat(directory, ".off", 0);
		errno = cause;
		return -1;
	}
	return fsync(directory);
}

int off_marker_write(bool persist, struct err *e)
{
	const struct place *place = &places[persist];
	char line[LINE_SIZE];
	int directory, result;

	if (marker_line(persist, line, sizeof line) == -1)
		return err_errno(e, "%s: this boot or network namespace has no name", place->path);
	if (mkdir(place->directory, 0755) == -1 && errno != EEXIST)
		return err_errno(e, "%s can't be made", place->directory);
	if ((directory = open_directory(place->directory)) == -1)
		return err_errno(e, "%s does not belong to root alone", place->directory);
	errno = 0;
	result = put_line(directory, line);
	if (result == -1)
		err_errno(e, "%s can't be written", place->path);
	close(directory);
	return result == -1 ? -1 : clear_one(&places[!persist], e);
}
