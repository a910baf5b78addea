/* A pause watchdog that looks once and then lives until it is dismissed, for the unit tests of pf and ipfw.
 */
#ifndef TESTS_UNIT_PAUSE_WATCHDOG_STANDIN_H
#define TESTS_UNIT_PAUSE_WATCHDOG_STANDIN_H

#include <stdio.h>

#include "journal.h"
#include "os/firewall/pause_watchdog.h"

static bool watchdog_runs, watchdog_fails, watchdog_stays;
static struct pause_watchdog_work watchdog_work; /* what the last one was given */

int pause_watchdog_start(const struct pause_watchdog_work *work, uint32_t seconds, struct err *error)
{
	size_t used = strlen(journal);

	snprintf(journal + used, JOURNAL - used, "watchdog(%u) ", (unsigned)seconds);
	if (watchdog_fails || work->look(work->argument, error) == -1)
		return err_set(error, "no watchdog");
	watchdog_work = *work;
	watchdog_runs = true;
	return 0;
}

bool pause_watchdog_lives(void)
{
	return watchdog_runs;
}

int pause_watchdog_dismiss(struct err *error)
{
	strcat(journal, "dismiss ");
	if (watchdog_runs && watchdog_stays)
		return err_set(error, "it does not leave");
	watchdog_runs = false;
	return 0;
}

#endif
