/* A pause watchdog that looks once and then lives until it is dismissed, for the unit tests of pf and ipfw.
 */
#ifndef TESTS_UNIT_PAUSE_WATCHDOG_STANDIN_H
#define TESTS_UNIT_PAUSE_WATCHDOG_STANDIN_H

#include "os/firewall/pause_watchdog.h"

static bool watchdog_runs, watchdog_fails;

int pause_watchdog_start(const struct pause_watchdog_work *work, uint32_t seconds, struct err *error)
{
	(void)seconds;
	if (watchdog_fails || work->look(work->argument, error) == -1)
		return err_set(error, "no watchdog");
	watchdog_runs = true;
	return 0;
}

bool pause_watchdog_lives(void)
{
	return watchdog_runs;
}

int pause_watchdog_dismiss(struct err *error)
{
	(void)error;
	watchdog_runs = false;
	return 0;
}

#endif
