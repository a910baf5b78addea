/* What the files of `portcullis selftest` share. */
#ifndef CTL_SELFTEST_H
#define CTL_SELFTEST_H

#include <stdbool.h>

#include "base/err.h"
#include "os/firewall/firewall.h"

enum selftest_result { SELFTEST_PASS, SELFTEST_FAIL, SELFTEST_SKIP, SELFTEST_INFO, SELFTEST_RESULTS };

struct selftest {
	struct firewall *fw;
	struct situation situation; /* with the links of this machine */
	bool open[SITUATION_LINKS]; /* a datagram got out of this link without the gate */
	bool route;                 /* a datagram got to the documentation endpoint without the gate */
	unsigned count[SELFTEST_RESULTS];
};

/* Prints one line of the report and counts it. `detail` may be "". */
void selftest_report(struct selftest *test, enum selftest_result result, const char *what,
		     const char *detail);

/* A pass, or a failure with the text of `e`. Returns `good`. */
bool selftest_judge(struct selftest *test, bool good, const char *what, const struct err *e);

/* Sets whom the hole is for: a group's name or number. 0, or -1 and `e`. */
int selftest_identify(struct selftest *test, const char *group, struct err *e);

/* Locks, dials a documentation endpoint, pauses, and removes the rules; tries at
 * each step what passes. Takes about ten seconds. */
void selftest_lock(struct selftest *test);

#endif
