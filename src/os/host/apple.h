/* What Apple's own headers declare and other toolchains for macOS lack; each
 * with its source. Values are Apple's interface. */
#ifndef OS_HOST_APPLE_H
#define OS_HOST_APPLE_H

#include <stdint.h>
#include <sys/types.h>

/* ptrace(2) and <sys/ptrace.h>: from then on nobody attaches to us. */
#define PT_DENY_ATTACH 31
int ptrace(int request, pid_t pid, caddr_t address, int data);

/* sandbox_init(3) and <sandbox.h> of the macOS SDK. Marked deprecated there since
 * 10.8, present and used by Apple's own daemons up to now. 0, or -1 and a text that
 * sandbox_free_error takes back. */
#define SANDBOX_NAMED 0x0001
extern const char kSBXProfileNoInternet[], kSBXProfilePureComputation[];
int sandbox_init(const char *profile, uint64_t flags, char **errorbuf);
void sandbox_free_error(char *errorbuf);

#endif
