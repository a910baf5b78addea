/* What is kept of refused log-ins, so that a restart costs none: a small file of root's that the driver has
 * open. */
#ifndef DRIVER_LOGIN_KEPT_H
#define DRIVER_LOGIN_KEPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tunnel/refusals.h"

enum { KEPT_REASON = 240 };

struct kept { /* zeroed: nothing was refused */
	struct refusals refusals;
	uint32_t stopped; /* 1: no further log-in until somebody acts */
	int64_t until;    /* no log-in before that, seconds since the epoch; 0: at any time */
	char reason[KEPT_REASON];
};

/* A number for what the log-in is made of: the files at these descriptors as fstat shows them, up to -1; the
 * user name; the profile. What has changed has another number. */
uint64_t kept_identity(const int *files, const char *username, const char *profile, size_t length);

/* False: there is nothing, it is torn or strange, or of other credentials. */
bool kept_load(int descriptor, uint64_t identity, struct kept *kept);
/* One write; what is torn by a crash counts as nothing. */
void kept_save(int descriptor, uint64_t identity, const struct kept *kept);

/* ms until a log-in may be tried, at `now` since the epoch: a clock that was set makes it no longer than the
 * longest wait. */
uint32_t kept_left(const struct kept *kept, int64_t now);

#endif
