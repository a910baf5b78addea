/* The off marker's names on FreeBSD: the random id that each boot gets. */
#include <sys/types.h>

#include <errno.h>
#include <sys/sysctl.h>

#include "base/text.h"
#include "os/host/off_marker_names.h"

enum { BOOT_ID = 16 };

int off_marker_network(char *to, size_t size)
{
	return text_copy(to, size, "machine");
}

/* Never kern.boottime: it moves when the clock is set, and may come again. */
int off_marker_boot(char *to, size_t size)
{
	unsigned char id[BOOT_ID];
	size_t length = sizeof id, used = 0;

	if (sysctlbyname("kern.boot_id", id, &length, NULL, 0) == -1)
		return -1;
	if (length != sizeof id) {
		errno = EPROTO;
		return -1;
	}
	for (size_t i = 0; i < sizeof id; i++) {
		if (text_append(to, size, &used, "%02x", id[i]) == -1)
			return -1;
	}
	return 0;
}
