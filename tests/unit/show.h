/* Text that grows, and what a test can see of the log and of descriptors. */
#ifndef TESTS_UNIT_SHOW_H
#define TESTS_UNIT_SHOW_H

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "os/process/descriptor.h"

static int log_end; /* what is logged can be read there */

static void show(char *to, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));
static void show(char *to, size_t size, const char *format, ...)
{
	size_t used = strlen(to);
	va_list ap;

	va_start(ap, format);
	vsnprintf(to + used, size - used, format, ap);
	va_end(ap);
}

/* The log goes to `descriptor` from now on. */
static inline int log_to(int descriptor)
{
	int ends[2];

	if (descriptor_pipe(ends, true) == -1)
		return -1;
	log_end = fcntl(ends[0], F_DUPFD_CLOEXEC, 40);
	if (log_end == -1 || dup2(ends[1], descriptor) == -1)
		return -1;
	for (int i = 0; i < 2; i++)
		if (ends[i] != descriptor)
			close(ends[i]);
	log_open(descriptor, LOG_DEBUG);
	return 0;
}

/* The first line that has been logged since, without its time. */
static inline const char *logged(void)
{
	static char line[4096];
	ssize_t got = read(log_end, line, sizeof line - 1);
	char *begin;

	line[got > 0 ? got : 0] = '\0';
	line[strcspn(line, "\n")] = '\0';
	begin = strchr(line, ' ');
	return begin == NULL ? "" : begin + 1;
}

/* The next one that would be opened: what is left open changes it. */
static inline int next_descriptor(void)
{
	int descriptor = openat(AT_FDCWD, "/dev/null", O_RDONLY | O_CLOEXEC);

	close(descriptor);
	return descriptor;
}

/* How many are open: the next one does not tell if one is left behind another's place. */
static inline unsigned open_descriptors(void)
{
	unsigned count = 0;

	for (int i = 0; i < 64; i++)
		count += fcntl(i, F_GETFD) != -1;
	return count;
}

#endif
