/* The memory port by mlockall: where the limit is too small, nothing is locked. */
#include <sys/mman.h>
#include <sys/resource.h>

#include <errno.h>

#include "os/process/sandbox/memory.h"

enum { ENOUGH = 32 * 1024 * 1024 };

int memory_lock(void)
{
	static const struct rlimit none = {RLIM_INFINITY, RLIM_INFINITY};
	struct rlimit limit;

	/* Without the right to more, what the service manager has granted. */
	if (setrlimit(RLIMIT_MEMLOCK, &none) == -1) {
		if (getrlimit(RLIMIT_MEMLOCK, &limit) == -1)
			return -1;
		limit.rlim_cur = limit.rlim_max;
		if (setrlimit(RLIMIT_MEMLOCK, &limit) == -1)
			return -1;
		/* Too little locks what there is, and leaves no memory for the rest. */
		errno = ENOMEM;
		if (limit.rlim_cur < ENOUGH)
			return -1;
	}
	return mlockall(MCL_CURRENT | MCL_FUTURE);
}
