/* The log: one line an event, RFC 3339 time, level, room, text. */
#include "base/log.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/text.h"

enum { LINE_MAX_BYTES = 4096 };

const char *const log_level_words[LOG_LEVELS] = {"error", "warn", "info", "debug"};
static int log_descriptor = STDERR_FILENO;
static int log_second = -1;
static enum log_level log_wanted = LOG_INFO;
static uint64_t log_size;
static void (*log_full)(int descriptor);

void log_open(int descriptor, enum log_level level)
{
	log_descriptor = descriptor;
	log_wanted = level;
}

void log_bound(uint64_t size, void (*full)(int descriptor))
{
	log_size = size;
	log_full = full;
}

void log_copy(int descriptor)
{
	log_second = descriptor;
}

bool log_wants(enum log_level level)
{
	return level <= log_wanted;
}

/* Is there room for a line of `length` bytes, so that `spare` bytes are left? */
static bool has_room(int descriptor, size_t length, uint64_t spare)
{
	struct stat status;

	return fstat(descriptor, &status) == -1 || !S_ISREG(status.st_mode) ||
	       (uint64_t)status.st_size + length + spare <= log_size;
}

/* The process that can begin the file anew does so before it is full, and leaves the rest of the room to the
 * other process that writes to it. */
static bool make_room(int descriptor, size_t length)
{
	if (log_size == 0 || descriptor == -1)
		return true;
	if (log_full != NULL && !has_room(descriptor, length, log_size / 16))
		log_full(descriptor);
	return has_room(descriptor, length, 0);
}

/* A full disk loses the line, and so does a pipe that nobody reads (a line
 * fits into what poll calls writable): nothing may wait for the log. */
static void emit(int descriptor, const char *line, size_t length)
{
	struct pollfd ready = {.fd = descriptor, .events = POLLOUT};
	ssize_t written = 0;

	if (descriptor != -1 && poll(&ready, 1, 0) == 1 && ready.revents & POLLOUT)
		written = write(descriptor, line, length);
	(void)written;
}

void log_line(enum log_level level, const char *room, const char *format, ...)
{
	int kept = errno;
	char raw[LINE_MAX_BYTES / 4], line[LINE_MAX_BYTES], stamp[TEXT_TIME_SIZE];
	size_t used;
	va_list ap;

	if (level > log_wanted)
		return;
	va_start(ap, format);
	vsnprintf(raw, sizeof raw, format, ap);
	va_end(ap);
	text_time(stamp, time(NULL));
	used = (size_t)snprintf(line, 128, "%s %s %s: ", stamp, log_level_words[level], room);
	used += text_escape(line + used, sizeof line - used - 1, raw, strlen(raw));
	line[used++] = '\n';
	if (make_room(log_descriptor, used))
		emit(log_descriptor, line, used);
	emit(log_second, line, used);
	errno = kept;
}
