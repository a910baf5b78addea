/* Memory that runs out when the test says so: ours, and libevent's. */
#ifndef TESTS_UNIT_NO_MEMORY_H
#define TESTS_UNIT_NO_MEMORY_H

#include <errno.h>
#include <event2/event.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#ifndef __has_feature
#define __has_feature(name) 0
#endif
/* The sanitizer's own is not replaced. */
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
enum { MEMORY_CAN_FAIL = false };
#else
enum { MEMORY_CAN_FAIL = true };
#endif

static unsigned memory_fails_at; /* the next time is 1; 0: never */

static inline bool memory_runs_out(void)
{
	if (memory_fails_at == 0 || --memory_fails_at > 0)
		return false;
	errno = ENOMEM;
	return true;
}

#if !defined(__SANITIZE_ADDRESS__) && !__has_feature(address_sanitizer)
void *calloc(size_t count, size_t size)
{
	void *(*volatile plain)(size_t) = malloc; /* no compiler makes a calloc of it again */
	void *bytes = memory_runs_out() ? NULL : plain(count * size);

	return bytes == NULL ? NULL : memset(bytes, 0, count * size);
}
#endif

static inline void *loop_malloc(size_t size)
{
	return memory_runs_out() ? NULL : malloc(size);
}

static inline void *loop_realloc(void *bytes, size_t size)
{
	return memory_runs_out() ? NULL : realloc(bytes, size);
}

#endif
