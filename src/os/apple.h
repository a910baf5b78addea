/* What Apple's own headers declare and a free toolchain's lack; each with its source. */
#ifndef OS_APPLE_H
#define OS_APPLE_H

#include <sys/types.h>

/* ptrace(2), <sys/ptrace.h>: nobody may trace us from now on. */
enum { PT_DENY_ATTACH = 31 };
int ptrace(int request, pid_t pid, caddr_t address, int data);

#endif
