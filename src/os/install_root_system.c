/* What stands before the installed paths: nothing. */
#include "os/install_paths.h"

const char *install_root(void)
{
	return "";
}
