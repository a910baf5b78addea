/* The chance port, for every Unix: getentropy(2), which Apple declares in a header of its own. */
#include <sys/random.h>
#include <unistd.h>

#include "os/host/chance.h"

uint32_t chance(void)
{
	uint32_t number;

	return getentropy(&number, sizeof number) == 0 ? number : 0;
}
