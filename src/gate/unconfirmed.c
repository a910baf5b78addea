/* gate: tells that this machine is to be opened unless somebody confirms. Nothing is decided by it. */
#include "gate/unconfirmed.h"

#include <string.h>

#include "base/text.h"
#include "gate/gate.h"
#include "gate/small_file.h"

void unconfirmed_look(struct gate *gate)
{
	char stamp[TEXT_TIME_SIZE], now[WIRE_TEXT] = "";
	uint64_t until;
	size_t used = 0;

	if (small_file_number(UNCONFIRMED_FILE, INT32_MAX * 2ULL, &until) == 0) {
		text_time(stamp, (time_t)until);
		text_append(now, sizeof now, &used,
			    "NOT CONFIRMED: enable is taken back at %s, or at a reboot, and then everything "
			    "passes; instead: portcullis confirm",
			    stamp);
	}
	if (strcmp(now, gate->unconfirmed) == 0)
		return;
	text_copy(gate->unconfirmed, sizeof gate->unconfirmed, now);
	log_warn("gate", "%s", now[0] != '\0' ? now : "nothing waits to be confirmed any more");
}
