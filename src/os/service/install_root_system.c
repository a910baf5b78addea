/* What stands before the installed paths: nothing. */
#include "os/service/install_paths.h"

const char *install_root(void)
{
	return "";
}
