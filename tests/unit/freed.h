/* What is freed is overwritten, so that whoever still reads it is noticed; the sanitizers do so by
 * themselves. */
#ifndef TESTS_UNIT_FREED_H
#define TESTS_UNIT_FREED_H

#include <stdlib.h>
#include <string.h>

#ifndef __has_feature
#define __has_feature(name) 0
#endif

#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) && !__has_feature(address_sanitizer)
#include <malloc.h>

extern void plain_free(void *bytes) __asm__("__libc_free");

/* Not inlined: where the compiler knows how much was asked for, there is more. */
__attribute__((noinline)) void free(void *bytes)
{
	if (bytes != NULL)
		memset(bytes, 0x5d, malloc_usable_size(bytes));
	plain_free(bytes);
}
#endif

#endif
