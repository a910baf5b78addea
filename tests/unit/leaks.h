/* Is memory left behind? Asked of the allocator, where it can be asked. */
#ifndef TESTS_UNIT_LEAKS_H
#define TESTS_UNIT_LEAKS_H

#include <stdlib.h>

#ifdef __GLIBC__
#include <malloc.h>

static inline size_t bytes_in_use(void)
{
	return mallinfo2().uordblks + mallinfo2().hblkhd; /* small ones, and large ones */
}
#else
static inline size_t bytes_in_use(void)
{
	return 0;
}
#endif

/* Does `what` leave nothing, done again and again? The first times fill the allocator's caches. */
#define assert_no_leak(name, what)                                                                           \
	do {                                                                                                 \
		size_t before = 0;                                                                           \
		for (int round = 0; round < 8; round++) {                                                    \
			if (round == 4)                                                                      \
				before = bytes_in_use();                                                     \
			what;                                                                                \
		}                                                                                            \
		if (bytes_in_use() != before)                                                                \
			fail_msg("%s: %zu bytes are left", name, bytes_in_use() - before);                   \
	} while (0)

#endif
