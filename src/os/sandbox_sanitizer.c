/* What the address and undefined-behaviour sanitizers ask of the kernel: to
 * print a report with a stack, and to look for leaks at the end. Tests only. */
#include "os/sandbox_calls.h"

#include <seccomp.h>

const int sandbox_more_calls[] = {
    SCMP_SYS(mmap),        SCMP_SYS(mprotect),
    SCMP_SYS(sigaltstack), SCMP_SYS(openat),
    SCMP_SYS(open),        SCMP_SYS(readlink),
    SCMP_SYS(readlinkat),  SCMP_SYS(getpid),
    SCMP_SYS(gettid),      SCMP_SYS(futex),
    SCMP_SYS(sched_yield), SCMP_SYS(rt_sigaction),
    SCMP_SYS(prctl),       SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(getdents64),  SCMP_SYS(clone),
    SCMP_SYS(wait4),       SCMP_SYS(ptrace),
    SCMP_SYS(getppid),     SCMP_SYS(lseek),
    SCMP_SYS(pipe2),       SCMP_SYS(process_vm_readv),
    SCMP_SYS(getrlimit),   SCMP_SYS(prlimit64),
    SCMP_SYS(getrusage),   SCMP_SYS(ioctl),
    SCMP_SYS(tgkill),      SCMP_SYS(sched_getaffinity),
    SCMP_SYS(getuid),      SCMP_SYS(geteuid),
    SCMP_SYS(uname),       SCMP_SYS(newfstatat),
    SANDBOX_END,
};
