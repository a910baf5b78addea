/* The end of a child's descriptors on Linux, where not every libc has a name for it. */
#include "os/process/descriptor.h"

#include <sys/syscall.h>
#include <unistd.h>

enum { DESCRIPTORS = 1024 };

void descriptor_close_from(int lowest)
{
	if (syscall(SYS_close_range, (unsigned)lowest, ~0u, 0u) == 0)
		return;
	for (int i = lowest; i < DESCRIPTORS; i++) /* a kernel before 5.9 */
		close(i);
}
