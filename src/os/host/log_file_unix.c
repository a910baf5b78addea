/* The log file: opened, and begun anew when it is full. */
#include "os/host/log_file.h"

#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/text.h"

enum { CHUNK = 64 * 1024 };

static char log_path[PATH_MAX]; /* there is one log */
static bool log_keeps;

/* The last part of `from`, from the begin of a line on. */
static bool copy_end(int from, off_t size, int to)
{
	static char chunk[CHUNK];
	off_t at = size > LOG_FILE_KEPT ? size - LOG_FILE_KEPT : 0;
	bool whole = at == 0;
	ssize_t got;

	while (at < size && (got = pread(from, chunk, sizeof chunk, at)) > 0) {
		const char *begin = chunk;

		if (!whole && (begin = memchr(chunk, '\n', (size_t)got)) != NULL)
			begin++;
		whole = true;
		if (begin != NULL && write(to, begin, (size_t)(chunk + got - begin)) != chunk + got - begin)
			return false;
		at += got;
	}
	return at >= size;
}

/* As PATH.1, under another name until it is whole. */
static void write_old(int descriptor, const struct stat *status)
{
	char old[PATH_MAX + 8], fresh[PATH_MAX + 8];
	int to;

	snprintf(old, sizeof old, "%s.1", log_path);
	snprintf(fresh, sizeof fresh, "%s.new", log_path);
	unlink(fresh);
	to = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (to == -1)
		return;
	/* The copy is kept only if it has the log's owner and mode, and the whole of the log's end. */
	if (fchown(to, status->st_uid, status->st_gid) == -1 || fchmod(to, status->st_mode & 0777) == -1 ||
	    !copy_end(descriptor, status->st_size, to) || rename(fresh, old) == -1)
		unlink(fresh);
	close(to);
}

/* The log begins anew even if nothing could be kept: the disk must not fill up. */
static void begin_anew(int descriptor)
{
	struct stat status;

	if (fstat(descriptor, &status) == -1 || !S_ISREG(status.st_mode))
		return;
	if (log_keeps)
		write_old(descriptor, &status);
	if (ftruncate(descriptor, 0) == -1)
		return; /* then it is full, and stays so */
}

int log_file_open(const char *path, uint64_t size, uint32_t keep_old, struct err *e)
{
	int fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);

	if (fd == -1)
		return err_errno(e, "%s", path);
	text_copy(log_path, sizeof log_path, path);
	log_keeps = keep_old > 0;
	log_bound(size, begin_anew);
	return fd;
}
