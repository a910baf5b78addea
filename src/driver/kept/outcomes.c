/* Which servers failed last, kept over restarts. */
#include "driver/kept/outcomes.h"

#include <string.h>

#include "base/log.h"
#include "driver/kept/record.h"

/* As it is in the file. */
struct record {
	char mark[RECORD_MARK];
	struct outcome list[OUTCOMES];
	uint64_t check;
};
_Static_assert(sizeof(struct record) == 16 + OUTCOMES * 32, "no padding in the file");

static const char mark[] = "servers1";

void outcomes_load(struct outcomes *outcomes, int descriptor)
{
	struct record record;

	memset(outcomes, 0, sizeof *outcomes);
	if (record_load(descriptor, mark, &record, sizeof record))
		memcpy(outcomes->list, record.list, sizeof record.list);
}

void outcomes_save(const struct outcomes *outcomes, int descriptor)
{
	struct record record;

	memset(&record, 0, sizeof record);
	memcpy(record.list, outcomes->list, sizeof record.list);
	if (record_save(descriptor, mark, &record, sizeof record) == -1)
		log_warn("driver", "which servers failed can't be kept over a restart");
}

/* Its place in the list; OUTCOMES: it has none. */
static size_t find(const struct outcomes *outcomes, const struct net_endpoint *server)
{
	size_t i = 0;

	while (i < OUTCOMES &&
	       (outcomes->list[i].failures == 0 || !net_endpoint_equal(&outcomes->list[i].server, server)))
		i++;
	return i;
}

static uint64_t between(int64_t one, int64_t other)
{
	return one > other ? (uint64_t)one - (uint64_t)other : (uint64_t)other - (uint64_t)one;
}

bool outcomes_is_dead(const struct outcomes *outcomes, const struct net_endpoint *server, int64_t now)
{
	size_t place = find(outcomes, server);
	uint32_t doubled;

	if (place == OUTCOMES)
		return false;
	doubled = outcomes->list[place].failures - 1;
	if (doubled > OUTCOMES_DOUBLED)
		doubled = OUTCOMES_DOUBLED;
	return between(outcomes->list[place].when, now) < (uint64_t)OUTCOMES_DEAD << doubled;
}

/* A free place, or that of the oldest. */
static size_t room(const struct outcomes *outcomes)
{
	size_t place = 0;

	for (size_t i = 0; i < OUTCOMES; i++) {
		if (outcomes->list[i].failures == 0)
			return i;
		if (outcomes->list[i].when < outcomes->list[place].when)
			place = i;
	}
	return place;
}

bool outcomes_note(struct outcomes *outcomes, const struct net_endpoint *server, bool good, int64_t now)
{
	size_t place = find(outcomes, server);

	if (good) {
		if (place < OUTCOMES)
			memset(&outcomes->list[place], 0, sizeof *outcomes->list);
		return place < OUTCOMES;
	}
	if (place == OUTCOMES) {
		place = room(outcomes);
		outcomes->list[place] = (struct outcome){.server = *server};
	}
	if (outcomes->list[place].failures < UINT32_MAX)
		outcomes->list[place].failures++;
	outcomes->list[place].when = now;
	return true;
}

void outcomes_prune(struct outcomes *outcomes, bool (*has)(const void *in, const struct net_endpoint *server),
		    const void *in)
{
	for (size_t i = 0; i < OUTCOMES; i++) {
		if (outcomes->list[i].failures > 0 && !has(in, &outcomes->list[i].server))
			memset(&outcomes->list[i], 0, sizeof *outcomes->list);
	}
}
