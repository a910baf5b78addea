/* A regular file of bounded size, read whole. */
#include "ctl/profile/regular.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "base/io.h"

int regular_read(int descriptor, const char *name, size_t max, char **bytes, size_t *length, struct err *e)
{
	struct stat status;

	*bytes = NULL;
	if (fstat(descriptor, &status) == -1 || !S_ISREG(status.st_mode))
		return err_set(e, "%s: not a regular file", name);
	if ((*bytes = io_read_all(descriptor, max + 1, length)) == NULL)
		return err_errno(e, "%s", name);
	if (*length <= max)
		return 0;
	free(*bytes);
	*bytes = NULL;
	return err_set(e, "%s: larger than %zu KiB", name, max / 1024);
}
