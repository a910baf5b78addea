/* Bringing ipfw to a policy: built in the one of our two sets that is disabled, read back, and then
 * the sets change places in one command. */
#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "base/text.h"
#include "os/firewall/ipfw/ipfw.h"
#include "os/firewall/probe.h"
#include "os/process/tool.h"
#include "os/process/tool_paths.h"
#include "policy/print.h"

enum { BATCH = PRINT_SIZE + 256 };

/* --- comparing ------------------------------------------------------------------------------ */

int ipfw_compare(const struct ipfw_firewall *fw, const struct ipfw_view *view, struct err *e)
{
	const struct ipfw_set *held = &view->sets[fw->held.set], *other = &view->sets[!fw->held.set];

	if (ipfw_kernel_state() != 1)
		return err_set(e, "somebody else has disabled ipfw");
	if (held->rules == 0 || held->disabled)
		return err_set(e, "somebody else has %s our rules",
			       held->rules == 0 ? "deleted" : "disabled");
	if (held->rules != fw->held.rules || held->hash != fw->held.hash)
		return err_set(e, "somebody else has changed our rules");
	if (other->rules > 0 && !other->disabled)
		return err_set(e, "somebody else has enabled set %u", ipfw_set_number(!fw->held.set));
	if (!view->floor)
		return err_set(e, "somebody else has deleted rule %d of set %d", IPFW_FLOOR_NUMBER,
			       IPFW_FLOOR_SET);
	if (held->foreign[0] != '\0')
		return err_set(
		    e,
		    "a rule before ours may pass what we would stop: %s; instead: delete it, or give "
		    "it a number from %d on",
		    held->foreign, IPFW_FLOOR_NUMBER + 1);
	return 0;
}

/* --- asserting -------------------------------------------------------------------------------- */

/* From the moment the module is there it denies all that no rule passes. */
static int load_module(struct err *e)
{
	const char *const argv[] = {tool_path(TOOL_KLDLOAD), "-n", "ipfw", NULL};

	return ipfw_kernel_state() != -1 ? 0 : tool_run(argv, NULL, IPFW_PATIENCE, e);
}

/* The floor comes first, and lies under everything else: the machine is shut, whatever follows. */
static int put_floor(const struct ipfw_firewall *fw, struct err *e)
{
	char lines[160] = "";
	size_t used = 0;

	if (ipfw_kernel_state() == 0)
		(void)text_append(lines, sizeof lines, &used, "enable firewall\n");
	if (!fw->view.floor)
		(void)text_append(lines, sizeof lines, &used, "add %d set %d " IPFW_FLOOR "\n",
				  IPFW_FLOOR_NUMBER, IPFW_FLOOR_SET);
	return used == 0 ? 0 : ipfw_command(lines, e);
}

/* Into the set that decides nothing. */
static int build(struct ipfw_firewall *fw, const struct situation *s, int set, struct err *e)
{
	char *lines = calloc(1, BATCH);
	size_t used = 0;
	int result;

	if (lines == NULL)
		return err_errno(e, "firewall");
	(void)text_append(lines, BATCH, &used, "set disable %u\n", ipfw_set_number(set));
	if (fw->view.sets[set].rules > 0)
		(void)text_append(lines, BATCH, &used, "delete set %u\n", ipfw_set_number(set));
	result = policy_print_ipfw_set(s, ipfw_set_number(set), lines + used, BATCH - used, e);
	if (result == 0)
		result = ipfw_command(lines, e);
	if (result == 0)
		result = ipfw_look(fw, e);
	if (result == 0)
		result = ipfw_same_policy(fw->listing, lines, ipfw_set_number(set), e);
	free(lines);
	if (result == 0 && !fw->view.sets[set].disabled)
		return err_set(e, "ipfw: set %u is not disabled", ipfw_set_number(set));
	return result;
}

/* The only moment at which the policy changes. */
static int switch_to(int set, struct err *e)
{
	char lines[64];
	size_t used = 0;

	(void)text_append(lines, sizeof lines, &used, "set disable %u enable %u\n", ipfw_set_number(!set),
			  ipfw_set_number(set));
	fault_point("flip-before-send");
	return ipfw_command(lines, e);
}

/* What it stopped is remembered. It is disabled, so it does no harm if it stays. */
static void drop_other(struct ipfw_firewall *fw, int set)
{
	char lines[32];
	size_t used = 0;

	if (fw->view.sets[set].rules == 0)
		return;
	(void)text_append(lines, sizeof lines, &used, "delete set %u\n", ipfw_set_number(set));
	if (ipfw_command(lines, NULL) == 0)
		fw->blocked_before += fw->view.sets[set].blocked;
}

/* States are deleted after the flip, because a packet before it could make a new one; and before the look,
 * which shows whether the rules are still there. */
static int rebuild(struct ipfw_firewall *fw, const struct situation *s, struct err *e)
{
	int set = ipfw_view_holding(&fw->view) == 0;

	if (put_floor(fw, e) == -1 || build(fw, s, set, e) == -1)
		return -1;
	fw->held = (struct ipfw_held){set, fw->view.sets[set].rules, fw->view.sets[set].hash};
	if (switch_to(set, e) == -1)
		return -1;
	fault_point("flip-before-readback");
	if (ipfw_delete_states(e) == -1 || ipfw_look(fw, e) == -1 || ipfw_compare(fw, &fw->view, e) == -1)
		return -1;
	drop_other(fw, !set);
	return 0;
}

/* What was held is still there: switched off, or without its floor. */
static int revive(struct ipfw_firewall *fw, struct err *e)
{
	const struct ipfw_set *held = &fw->view.sets[fw->held.set];

	if (held->rules != fw->held.rules || held->hash != fw->held.hash)
		return -1;
	if (put_floor(fw, e) == -1 || switch_to(fw->held.set, e) == -1 || ipfw_delete_states(e) == -1 ||
	    ipfw_look(fw, e) == -1)
		return -1;
	return ipfw_compare(fw, &fw->view, e);
}

/* Root itself probes, because no rule of ours lets root out there. */
int ipfw_probe_links(const struct ipfw_firewall *fw, struct err *e)
{
	for (size_t i = 0; i < fw->last.link_count; i++)
		if (probe_link(fw->last.links[i]) == PROBED_OUT)
			return err_set(e,
				       "a datagram got out of %s although ipfw has our rules; instead: look "
				       "for another filter's rule, or a hook, before ipfw",
				       fw->last.links[i]);
	return 0;
}

int ipfw_settle(struct ipfw_firewall *fw, const struct situation *s, struct err *e)
{
	bool was_armed = fw->armed, same;

	fw->armed = false;
	if (policy_print_ipfw_set(s, POLICY_IPFW_SET, fw->wanted, PRINT_SIZE, e) == -1 ||
	    load_module(e) == -1 || ipfw_look(fw, e) == -1)
		return -1;
	same = strcmp(fw->wanted, fw->stand) == 0;
	if (!(same && was_armed && ipfw_compare(fw, &fw->view, NULL) == 0) &&
	    !(same && revive(fw, NULL) == 0)) {
		fw->stand[0] = '\0';
		if (rebuild(fw, s, e) == -1)
			return -1;
		memcpy(fw->stand, fw->wanted, PRINT_SIZE);
	}
	fw->last = *s;
	fw->armed = ipfw_probe_links(fw, e) == 0;
	return fw->armed ? 0 : -1;
}
