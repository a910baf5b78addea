/* String searches as C23 (glibc from 2.43 on) has them: what is found in a const text is const. Included
 * before each file by `make check-clang`, so that a compiler or libc that does it finds nothing here. */
#ifndef TESTS_ARCH_CONST_SEARCH_H
#define TESTS_ARCH_CONST_SEARCH_H

#include <string.h>

#ifndef strchr /* this libc has them */
#define FOUND_IN(where, found)                                                                               \
	_Generic((where), const char *: (const char *)(found), const void *: (const void *)(found),          \
		 const unsigned char *: (const void *)(found), default: (found))
#define strchr(text, c) FOUND_IN(text, (strchr)(text, c))
#define strrchr(text, c) FOUND_IN(text, (strrchr)(text, c))
#define strstr(text, other) FOUND_IN(text, (strstr)(text, other))
#define strpbrk(text, any) FOUND_IN(text, (strpbrk)(text, any))
#define memchr(bytes, c, size) FOUND_IN(bytes, (memchr)(bytes, c, size))
#endif

#endif
