/* A pause in pf: our rules out, and a watchdog that puts them back. */
#include <string.h>

#include "os/firewall/pause_watchdog.h"
#include "os/firewall/pf/pf.h"

/* In the watchdog: is pf there, and does pfctl answer here? */
static int look(void *argument, struct err *e)
{
	static const char *const info[] = {"-s", "info", NULL};
	struct pf_firewall *fw = argument;

	pf_give_time(fw);
	return pf_query(fw, info, fw->answer, sizeof fw->answer, e);
}

/* In the watchdog: the lock, as if it were the first. Every state of the pause is killed. */
static int shut(void *argument, struct err *e)
{
	struct pf_firewall *fw = argument;
	struct situation locked = fw->situation;

	pf_give_time(fw);
	locked.state = POLICY_LOCKED;
	memset(&locked.endpoint, 0, sizeof locked.endpoint);
	fw->armed = false;
	fw->fallback[0] = '\0'; /* the pause has emptied it since */
	if (pf_settle(fw, &locked, e) == -1)
		return -1;
	pf_fallback_load(fw);
	return 0;
}

int pf_pause(struct firewall *common, uint32_t seconds, struct err *e)
{
	struct pf_firewall *fw = pf_of(common);
	const struct pause_watchdog_work work = {look, shut, fw};
	struct pf_rules found;

	pf_give_time(fw);
	if (!fw->armed)
		return err_set(e, "there can be no pause before the gate is shut");
	if (seconds == 0)
		return err_set(e, "a pause can't last 0 seconds");
	if (pause_watchdog_start(&work, seconds, e) == -1)
		return -1;
	if (pf_anchor_empty(fw, e) == -1 || pf_anchor_read(fw, &found, e) == -1)
		return -1;
	if (found.count != 0)
		return err_set(e, "pf did not accept the pause");
	fw->paused = true;
	return 0;
}
