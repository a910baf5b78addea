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

/* Does `what` leave nothing, done again and again? The first times fill the allocator's caches, whose bytes
 * count as in use (mallinfo(3)), and later ones may fill them a little more. A leak is 32 bytes each time at
 * least (malloc.c, MINSIZE). */
enum { LEAK_ROUNDS = 16, LEAST_LEAK = 32 * LEAK_ROUNDS };
#define assert_no_leak(name, what)                                                                           \
	do {                                                                                                 \
		size_t before = 0;                                                                           \
		for (int round = 0; round < 2 * LEAK_ROUNDS; round++) {                                      \
			if (round == LEAK_ROUNDS)                                                            \
				before = bytes_in_use();                                                     \
			what;                                                                                \
		}                                                                                            \
		if (bytes_in_use() >= before + LEAST_LEAK)                                                   \
			fail_msg("%s: %zu bytes are left", name, bytes_in_use() - before);                   \
	} while (0)

#endif
