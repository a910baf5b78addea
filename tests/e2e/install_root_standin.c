/* The prefix of the installed paths in a test: the folder that PORTCULLIS_STANDIN names. */
#include <stdlib.h>

#include "os/service/install_paths.h"

const char *install_root(void)
{
	const char *folder = getenv("PORTCULLIS_STANDIN");

	return folder != NULL ? folder : "/nonexistent";
}
