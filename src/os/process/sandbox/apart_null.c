/* The apart port where nothing of the kind exists. */
#include "os/process/sandbox/apart.h"

pid_t apart_start(const struct apart *apart, struct err *e)
{
	(void)apart;
	return err_set(e, "this system can't run a program apart");
}
