/* Whole reads and writes of a descriptor, over short ones and signals. */
#include "base/io.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

int io_write_all(int descriptor, const char *bytes, size_t length)
{
	while (length > 0) {
		ssize_t wrote = write(descriptor, bytes, length);

		if (wrote == -1 && errno == EINTR)
			continue;
		if (wrote <= 0)
			return -1;
		bytes += wrote;
		length -= (size_t)wrote;
	}
	return 0;
}

char *io_read_all(int descriptor, size_t max, size_t *length)
{
	char *bytes = malloc(max + 1); /* never 0 */

	*length = 0;
	while (bytes != NULL && *length < max) {
		ssize_t got = read(descriptor, bytes + *length, max - *length);

		if (got == -1 && errno == EINTR)
			continue;
		if (got == -1) {
			int cause = errno;

			free(bytes);
			errno = cause;
			return NULL;
		}
		if (got == 0)
			break;
		*length += (size_t)got;
	}
	return bytes;
}
