/* System calls that a build needs beyond the sandbox's own list. */
#ifndef OS_PROCESS_SANDBOX_SANDBOX_CALLS_H
#define OS_PROCESS_SANDBOX_SANDBOX_CALLS_H

enum { SANDBOX_END = -100000 };

/* Ends with SANDBOX_END. Only a build with sanitizers links one
 * (sandbox_calls_sanitizer.c); elsewhere the address is NULL. */
extern const int sandbox_more_calls[] __attribute__((weak));

#endif
