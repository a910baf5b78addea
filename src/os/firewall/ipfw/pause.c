/* A pause on ipfw: both sets are disabled and the floor taken out; the pause watchdog puts them back. */
#include "base/text.h"
#include "os/firewall/ipfw/ipfw.h"
#include "os/firewall/pause_watchdog.h"
#include "policy/print.h"

static int could_close(void *argument, struct err *e)
{
	return ipfw_look(argument, e);
}

static int close_again(void *argument, struct err *e)
{
	struct ipfw_firewall *fw = argument;
	struct situation last = fw->last;

	return ipfw_settle(fw, &last, e);
}

/* The rules stay in their set, so that one command brings them back. */
static int open_gate(struct ipfw_firewall *fw, struct err *e)
{
	char lines[96];
	size_t used = 0;

	(void)text_append(lines, sizeof lines, &used, "set disable %u %u\nset %d delete %d\n",
			  ipfw_set_number(0), ipfw_set_number(1), IPFW_FLOOR_SET, IPFW_FLOOR_NUMBER);
	if (ipfw_command(lines, e) == -1 || ipfw_look(fw, e) == -1)
		return -1;
	if (fw->view.floor || ipfw_view_holding(&fw->view) != -1)
		return err_set(e, "ipfw: our rules can't be disabled");
	return 0;
}

int ipfw_pause(struct firewall *common, uint32_t seconds, struct err *e)
{
	struct ipfw_firewall *fw = ipfw_of(common);
	const struct pause_watchdog_work work = {could_close, close_again, fw};

	if (!fw->armed || fw->last.state != POLICY_LOCKED)
		return err_set(e, "there can be no pause before the gate is locked");
	if (pause_watchdog_start(&work, seconds, e) == -1)
		return -1;
	fw->armed = false; /* the watchdog's copy still knows what was held */
	fw->paused = true;
	fw->epoch++;
	return open_gate(fw, e);
}
