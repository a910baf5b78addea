/* What is kept of refused log-ins, so that a restart costs none. */
#include "driver/login/kept.h"

#include <string.h>
#include <sys/stat.h>

#include "base/log.h"
#include "base/text.h"
#include "driver/kept/record.h"

/* As it is in the file. */
struct record {
	char mark[RECORD_MARK];
	uint64_t identity;
	int64_t until;
	uint32_t total, round, waits, stopped;
	char reason[KEPT_REASON];
	uint64_t check;
};
_Static_assert(sizeof(struct record) == 48 + KEPT_REASON, "no padding in the file");

static const char mark[] = "refused1";

uint64_t kept_identity(const int *files, const char *username, const char *profile, size_t length)
{
	uint64_t hash = RECORD_HASH;
	struct stat status;

	for (; *files != -1; files++) {
		int64_t facts[5] = {0};

		/* What has no name (a keychain's item) is another file at each start. */
		if (fstat(*files, &status) == 0 && S_ISREG(status.st_mode)) {
			facts[0] = status.st_size;
			if (status.st_nlink > 0) {
				facts[1] = (int64_t)status.st_ino;
				facts[2] = (int64_t)status.st_mtime;
				facts[3] = (int64_t)status.st_dev;
				facts[4] = (int64_t)status.st_ctime;
			}
		}
		hash = record_hash(hash, facts, sizeof facts);
	}
	hash = record_hash(hash, username, strlen(username) + 1);
	return record_hash(hash, profile, length);
}

bool kept_load(int descriptor, uint64_t identity, struct kept *kept)
{
	struct record record;

	memset(kept, 0, sizeof *kept);
	if (!record_load(descriptor, mark, &record, sizeof record) || record.identity != identity)
		return false;
	record.reason[sizeof record.reason - 1] = '\0';
	kept->refusals.total = record.total;
	kept->refusals.round = record.round < REFUSALS_ROUND ? record.round : REFUSALS_ROUND;
	kept->refusals.waits = record.waits <= REFUSALS_WAITS ? record.waits : REFUSALS_WAITS + 1;
	kept->stopped = record.stopped != 0;
	kept->until = record.until;
	text_copy(kept->reason, sizeof kept->reason, record.reason);
	return record.total > 0;
}

void kept_save(int descriptor, uint64_t identity, const struct kept *kept)
{
	struct record record;

	memset(&record, 0, sizeof record);
	record.identity = identity;
	record.until = kept->until;
	record.total = kept->refusals.total;
	record.round = kept->refusals.round;
	record.waits = kept->refusals.waits;
	record.stopped = kept->stopped;
	text_copy(record.reason, sizeof record.reason, kept->reason);
	if (record_save(descriptor, mark, &record, sizeof record) == -1)
		log_warn("driver", "that a log-in was refused can't be kept over a restart");
}

uint32_t kept_left(const struct kept *kept, int64_t now)
{
	int64_t left = kept->until - now;

	if (kept->until == 0 || left <= 0)
		return 0;
	return left > REFUSALS_HOLD_MAX / 1000 ? REFUSALS_HOLD_MAX : (uint32_t)left * 1000;
}
