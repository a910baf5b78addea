/* Any bytes as the status that a tun device prints. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "os/route/tun_status.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *copy = malloc(size == 0 ? 1 : size); /* its end is watched */
	int32_t pid;

	if (copy == NULL)
		return 0;
	memcpy(copy, data, size);
	pid = tun_status_pid(copy, size);
	if (pid < 0 || (pid > 0 && memchr(copy, '\n', size) == NULL))
		abort();
	free(copy);
	return 0;
}
