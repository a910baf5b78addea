/* Interfaces by name; a file of its own, for net/if.h and linux/if.h do not go together. */
#include <net/if.h>

#include "os/netwatch/netwatch.h"

unsigned netwatch_index(const char *name)
{
	return if_nametoindex(name);
}

bool netwatch_taken(const char *name)
{
	return netwatch_index(name) != 0;
}
