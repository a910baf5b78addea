/* A guardian that looks once and then lives until it is dismissed, for the unit tests of pf and ipfw. */
#ifndef TESTS_UNIT_GUARDIAN_STANDIN_H
#define TESTS_UNIT_GUARDIAN_STANDIN_H

#include "os/firewall/guardian.h"

static bool guarded, guardian_fails;

int guardian_start(const struct guardian_work *work, uint32_t seconds, struct err *error)
{
	(void)seconds;
	if (guardian_fails || work->look(work->argument, error) == -1)
		return err_set(error, "no guardian");
	guarded = true;
	return 0;
}

bool guardian_lives(void)
{
	return guarded;
}

int guardian_dismiss(struct err *error)
{
	(void)error;
	guarded = false;
	return 0;
}

#endif
