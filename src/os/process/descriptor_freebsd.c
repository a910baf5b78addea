/* The end of a child's descriptors on FreeBSD. */
#include "os/process/descriptor.h"

#include <unistd.h>

void descriptor_close_from(int lowest)
{
	closefrom(lowest);
}
