/* A record of fixed size in a small file of root's that the driver has open. */
#include "driver/kept/record.h"

#include <string.h>
#include <unistd.h>

uint64_t record_hash(uint64_t hash, const void *bytes, size_t size)
{
	const unsigned char *at = bytes;

	for (size_t i = 0; i < size; i++)
		hash = (hash ^ at[i]) * 1099511628211u;
	return hash;
}

static uint64_t check_of(const void *record, size_t size)
{
	return record_hash(RECORD_HASH, record, size - RECORD_CHECK);
}

bool record_load(int descriptor, const char *mark, void *record, size_t size)
{
	uint64_t check;

	if (pread(descriptor, record, size, 0) != (ssize_t)size || memcmp(record, mark, RECORD_MARK) != 0)
		return false;
	memcpy(&check, (const char *)record + size - RECORD_CHECK, sizeof check);
	return check == check_of(record, size);
}

int record_save(int descriptor, const char *mark, void *record, size_t size)
{
	uint64_t check;

	memcpy(record, mark, RECORD_MARK);
	check = check_of(record, size);
	memcpy((char *)record + size - RECORD_CHECK, &check, sizeof check);
	return pwrite(descriptor, record, size, 0) == (ssize_t)size ? 0 : -1;
}
