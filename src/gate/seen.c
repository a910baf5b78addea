/* gate: the latest time that was seen, in a small file of the state directory. */
#include "gate/seen.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/text.h"
#include "gate/gate.h"
#include "gate/small_file.h"
#include "os/host/file.h"

/* A clock that goes a little wrong breaks no certificate; and a disk is not written at every attempt. */
enum { SLACK_SECONDS = 3600, SPARED_SECONDS = 60 };

int seen_begin(struct gate *gate, struct err *e)
{
	char path[PATH_MAX], notice[WIRE_TEXT];
	uint64_t seen;

	(void)e;
	if (small_file_number(small_file_path(gate->config.state_dir, "seen", path), UINT32_MAX, &seen) == 0)
		gate->seen = (int64_t)seen;
	seen_notice(gate, notice, sizeof notice);
	if (notice[0] != '\0')
		log_warn("gate", "%s", notice);
	return 0;
}

void seen_note(struct gate *gate, bool believed)
{
	int64_t now = time(NULL);
	char path[PATH_MAX], line[64];

	if (now < gate->seen + SPARED_SECONDS && !(believed && now < gate->seen))
		return;
	gate->seen = now;
	snprintf(line, sizeof line, "%" PRId64 "\n", now);
	if (file_save(small_file_path(gate->config.state_dir, "seen", path), line, false) == -1)
		log_warn("gate", "%s: %s", path, strerror(errno));
}

void seen_notice(const struct gate *gate, char *to, size_t size)
{
	char here[TEXT_TIME_SIZE], there[TEXT_TIME_SIZE];
	time_t now = time(NULL);
	size_t used = 0;

	to[0] = '\0';
	if (now + SLACK_SECONDS >= gate->seen)
		return;
	text_time(here, now);
	text_time(there, (time_t)gate->seen);
	text_append(
	    to, size, &used,
	    "the clock says %s, but it was %s already: certificates may not be valid yet; instead: set it "
	    "(date -s), or use a profile with peer-fingerprint, which needs no clock",
	    here, there);
}
