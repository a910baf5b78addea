/* Bytes that end where their memory does: who reads behind them is killed. */
#ifndef TESTS_UNIT_GUARD_H
#define TESTS_UNIT_GUARD_H

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct guard {
	char *place;
	size_t size; /* all of it, with the page that is no memory */
};

/* Room for so many bytes; to be closed. */
static inline void *guard_open(struct guard *guard, size_t length)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), size = (length + page - 1) / page * page;

	guard->size = size + page;
	guard->place = mmap(NULL, guard->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(guard->place != MAP_FAILED);
	assert_int_equal(mprotect(guard->place + size, page, PROT_NONE), 0);
	return guard->place + size - length;
}

static inline void guard_close(struct guard *guard)
{
	assert_int_equal(munmap(guard->place, guard->size), 0);
}

#endif
