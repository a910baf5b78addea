/* The off marker's names on macOS: the UUID that each boot gets. */
#include <errno.h>
#include <string.h>
#include <sys/types.h>

#include <sys/sysctl.h>

#include "base/text.h"
#include "os/host/off_marker_names.h"

int off_marker_network(char *to, size_t size)
{
	return text_copy(to, size, "machine");
}

int off_marker_boot(char *to, size_t size)
{
	char uuid[64];
	size_t length = sizeof uuid;

	if (sysctlbyname("kern.bootsessionuuid", uuid, &length, NULL, 0) == -1)
		return -1;
	if (length < 2 || uuid[length - 1] != '\0' || !text_is_name(uuid, sizeof uuid)) {
		errno = EPROTO;
		return -1;
	}
	return text_copy(to, size, uuid);
}
