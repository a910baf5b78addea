/* Stands in for fault_none.c in the measured gate: notes when the kernel has acknowledged a flip. */
#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "stamps.h"

static struct stamps *stamps;

/* Before main: the daemon may clear its environment. */
__attribute__((constructor)) static void begin(void)
{
	const char *path = getenv("PORTCULLIS_STAMPS");

	if (path != NULL)
		stamps = stamps_open(path);
}

void fault_point(const char *moment)
{
	if (stamps != NULL && strcmp(moment, "flip-before-readback") == 0)
		stamps->acknowledged[stamps->acknowledged_count++ % STAMPS] = stamps_now();
}
