/* What a server says when it refuses the log-in. */
#include "driver/refusal.h"

#include <stdlib.h>
#include <string.h>

/* "backoff 42,advance addr": what is unknown says nothing. */
static void read_flags(struct refusal *refusal, const char *flags)
{
	while (*flags != ']' && *flags != '\0') {
		size_t length = strcspn(flags, ",]");

		if (strncmp(flags, "backoff ", 8) == 0) {
			unsigned long long seconds = strtoull(flags + 8, NULL, 10);

			refusal->backoff =
			    seconds > UINT32_MAX / 1000 ? UINT32_MAX / 1000 : (uint32_t)seconds;
		} else if (strncmp(flags, "advance no", 10) == 0 && length == 10) {
			refusal->advance = ADVANCE_NO;
		} else if (strncmp(flags, "advance remote", 14) == 0 && length == 14) {
			refusal->advance = ADVANCE_REMOTE;
		}
		flags += length + (flags[length] == ',');
	}
}

struct refusal refusal_read(const char *type, const char *reason)
{
	struct refusal refusal = {.kind = REFUSAL_PLAIN};

	if (strcmp(type, "Auth") != 0 || strncmp(reason, "CRV1:", 5) == 0)
		refusal.kind = REFUSAL_PERSON;
	else if (strncmp(reason, "TEMP", 4) == 0 || strncmp(reason, "SESSION:", 8) == 0)
		refusal.kind = REFUSAL_TEMPORARY;
	if (strncmp(reason, "TEMP[", 5) == 0)
		read_flags(&refusal, reason + 5);
	return refusal;
}
