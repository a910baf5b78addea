/* The gate in FreeBSD's ipfw: a backend of the firewall port. */
#include <stdlib.h>

#include "base/text.h"
#include "os/firewall/ipfw/ipfw.h"
#include "os/firewall/pause_watchdog.h"
#include "policy/print.h"

/* --- opening ------------------------------------------------------------------------------ */

static void ipfw_close(struct firewall *common)
{
	struct ipfw_firewall *fw = ipfw_of(common);

	ipfw_watch_close(fw->watch);
	free(fw->listing);
	free(fw->wanted);
	free(fw->stand);
	free(fw);
}

static struct firewall *ipfw_open(struct err *e)
{
	struct ipfw_firewall *fw = calloc(1, sizeof *fw);

	if (fw != NULL) {
		fw->listing = calloc(1, IPFW_LISTING);
		fw->wanted = calloc(1, PRINT_SIZE);
		fw->stand = calloc(1, PRINT_SIZE);
	}
	if (fw != NULL && fw->listing != NULL && fw->wanted != NULL && fw->stand != NULL)
		return &fw->common;
	err_errno(e, "firewall");
	if (fw != NULL)
		ipfw_close(&fw->common);
	return NULL;
}

/* --- asserting, removal, counters ------------------------------------------------------------ */

static int ipfw_assert(struct firewall *common, const struct situation *s, struct err *e)
{
	struct ipfw_firewall *fw = ipfw_of(common);
	int result = ipfw_settle(fw, s, e);

	fw->epoch++;
	/* One that does not leave can only lock. */
	if (result == 0 && pause_watchdog_lives())
		(void)pause_watchdog_dismiss(NULL);
	if (result == 0)
		fw->paused = false;
	return result;
}

static bool has_rules(const struct ipfw_view *view)
{
	return view->floor || view->sets[0].rules > 0 || view->sets[1].rules > 0;
}

static int ipfw_remove(struct firewall *common, struct err *e)
{
	struct ipfw_firewall *fw = ipfw_of(common);
	char lines[160] = "";
	size_t used = 0;

	fw->armed = fw->paused = false;
	fw->epoch++;
	if (pause_watchdog_dismiss(e) == -1)
		return -1;
	if (ipfw_kernel_state() == -1)
		return 0; /* no ipfw, no rules */
	if (ipfw_look(fw, e) == -1)
		return -1;
	if (!has_rules(&fw->view))
		return 0;
	for (int set = 0; set < 2; set++)
		if (fw->view.sets[set].rules > 0)
			(void)text_append(lines, sizeof lines, &used, "delete set %u\n",
					  ipfw_set_number(set));
	if (fw->view.floor)
		(void)text_append(lines, sizeof lines, &used, "set %d delete %d\n", IPFW_FLOOR_SET,
				  IPFW_FLOOR_NUMBER);
	/* As a kernel has them that never met us. */
	(void)text_append(lines, sizeof lines, &used, "set enable %u %u\n", ipfw_set_number(0),
			  ipfw_set_number(1));
	if (ipfw_command(lines, e) == -1 || ipfw_look(fw, e) == -1)
		return -1;
	return has_rules(&fw->view) ? err_set(e, "ipfw: our rules can't be removed") : 0;
}

/* The kernel's rules belong to nobody. */
static int ipfw_owner(struct firewall *common, int32_t *pid, struct err *e)
{
	struct ipfw_firewall *fw = ipfw_of(common);

	*pid = 0;
	if (ipfw_kernel_state() == -1)
		return 0;
	if (ipfw_look(fw, e) == -1)
		return -1;
	*pid = has_rules(&fw->view) ? FIREWALL_UNNAMED : 0;
	return 0;
}

static int ipfw_blocked(struct firewall *common, uint64_t *packets, struct err *e)
{
	struct ipfw_firewall *fw = ipfw_of(common);

	if (ipfw_kernel_state() == -1)
		return err_set(e, "ipfw is not loaded");
	if (ipfw_look(fw, e) == -1)
		return -1;
	if (!has_rules(&fw->view))
		return err_set(e, "no rules of ours in ipfw");
	*packets =
	    fw->blocked_before + fw->view.sets[0].blocked + fw->view.sets[1].blocked + fw->view.floor_blocked;
	return 0;
}

/* No rule of ours makes states. States of others' rules let nothing in or out while ours are in place, but
 * the kernel's keepalives for them pass before any rule. */
static int ipfw_forget_states(struct firewall *common, struct err *e)
{
	(void)common;
	return ipfw_kernel_state() == -1 ? 0 : ipfw_delete_states(e);
}

/* --- features -------------------------------------------------------------------------------------- */

static int ipfw_probe(struct firewall *common, struct firewall_features *features, struct err *e)
{
	struct ipfw_firewall *fw = ipfw_of(common);
	bool loaded = ipfw_kernel_state() != -1;

	if (loaded && ipfw_look(fw, e) == -1)
		return -1;
	*features = (struct firewall_features){
	    .backend = "ipfw",
	    .list = {{"ipfw in the kernel", loaded, "it is loaded at the start"},
		     {"a default of deny", loaded && fw->view.denies_by_default,
		      loaded ? "deleting our rules one by one opens the machine until the next check"
			     : "not known before it is loaded"},
		     {"no pipe of dummynet", !loaded || fw->view.pipe[0] == '\0',
		      "packets that wait in one when the gate shuts leave unfiltered"},
		     {"the link layer", false, "BPF and bridges are unfiltered"}},
	    .count = 4};
	return 0;
}

const struct firewall_port firewall_ipfw = {
    .name = "ipfw",
    .manual_command = "ipfw delete set 26 27; ipfw set 31 delete 2",
    .open = ipfw_open,
    .close = ipfw_close,
    .assert = ipfw_assert,
    .pause = ipfw_pause,
    .forget_states = ipfw_forget_states,
    .remove = ipfw_remove,
    .owner = ipfw_owner,
    .blocked = ipfw_blocked,
    .watch = ipfw_watch_open,
    .probe = ipfw_probe,
};
