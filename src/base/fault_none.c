/* No faults: what the programs link. */
#include "base/fault.h"

void fault_point(const char *moment)
{
	(void)moment;
}
