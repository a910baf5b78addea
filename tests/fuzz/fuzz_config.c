/* Fuzz target: any bytes as portcullis.conf. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	static struct config config;
	struct err e = {""};
	uint8_t *copy;
	FILE *stream;

	if (length == 0 || (copy = malloc(length)) == NULL)
		return 0;
	memcpy(copy, bytes, length);
	stream = fmemopen(copy, length, "r");
	if (stream != NULL) {
		int result = config_read_stream(&config, stream, "p.conf", "/d", &e);

		fclose(stream);
		/* A refusal always says why; what is taken always has a name for the interface. */
		if ((result == -1) != (e.text[0] != '\0') ||
		    (result == 0 && !net_is_interface_name(config.interface)))
			abort();
	}
	free(copy);
	return 0;
}
