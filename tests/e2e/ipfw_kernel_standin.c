/* The kernel's switch that enables ipfw, for the tests: the file `enable` beside the stand-ins. */
#include <stdio.h>
#include <stdlib.h>

#include "os/firewall/ipfw/ipfw.h"

int ipfw_kernel_state(void)
{
	const char *folder = getenv("PORTCULLIS_STANDIN");
	char path[512];
	int byte;
	FILE *file;

	snprintf(path, sizeof path, "%s/enable", folder != NULL ? folder : "/nonexistent");
	if ((file = fopen(path, "re")) == NULL)
		return -1;
	byte = fgetc(file);
	fclose(file);
	return byte == '1';
}
