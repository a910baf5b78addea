/* Fault points for tests: PORTCULLIS_FAULT="MOMENT[:N[:stop]]" kills (or stops) the process at the Nth
 * MOMENT. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "base/text.h"

static char wanted[64];
static uint64_t countdown;
static int with = SIGKILL;

/* Read before main: the daemon may clear its environment. */
__attribute__((constructor)) static void fault_read(void)
{
	const char *from = getenv("PORTCULLIS_FAULT");
	char text[64];
	char *number, *how;

	if (from == NULL || text_copy(text, sizeof text, from) != 0)
		return;
	countdown = 1;
	number = strchr(text, ':');
	if (number != NULL) {
		*number++ = '\0';
		how = strchr(number, ':');
		if (how != NULL) {
			*how++ = '\0';
			with = strcmp(how, "stop") == 0 ? SIGSTOP : SIGKILL;
		}
		if (text_number(number, 1, 1000000, &countdown) != 0)
			abort();
	}
	text_copy(wanted, sizeof wanted, text);
}

void fault_point(const char *moment)
{
	if (countdown == 0 || strcmp(moment, wanted) != 0)
		return;
	if (--countdown == 0)
		raise(with);
}
