/* The end of the log file, found and read without a position of its own. */
#include "driver/log_tail.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CHUNK = 16 * 1024 };

off_t log_tail_find(int descriptor, unsigned lines)
{
	struct stat status;
	char chunk[CHUNK];
	off_t end, limit;

	if (fstat(descriptor, &status) == -1 || !S_ISREG(status.st_mode))
		return -1;
	end = status.st_size;
	limit = end > LOG_TAIL_REACH ? end - LOG_TAIL_REACH : 0;
	/* The line end of the last line itself does not begin another. */
	lines++;
	while (end > limit) {
		size_t length = end - limit < CHUNK ? (size_t)(end - limit) : CHUNK;
		ssize_t got = pread(descriptor, chunk, length, end - (off_t)length);

		if (got != (ssize_t)length)
			return -1;
		while (length > 0) {
			if (chunk[length - 1] == '\n' && --lines == 0)
				return end - got + (off_t)length;
			length--;
		}
		end -= got;
	}
	return limit;
}

ssize_t log_tail_read(int descriptor, off_t *at, char *to, size_t size)
{
	struct stat status;
	ssize_t got, end;

	/* Somebody has truncated the file: begin at its start. */
	if (fstat(descriptor, &status) == 0 && status.st_size < *at)
		*at = 0;
	if ((got = pread(descriptor, to, size, *at)) <= 0)
		return got;
	/* Complete lines only, unless one fills all of `to`. */
	for (end = got; end > 0 && to[end - 1] != '\n';)
		end--;
	if (end > 0)
		got = end;
	else if ((size_t)got < size)
		return 0;
	*at += got;
	return got;
}
