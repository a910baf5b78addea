/* The gate in pf: an anchor of our own, asked before all others, loaded whole at each flip. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/text.h"
#include "os/firewall/pause_watchdog.h"
#include "os/firewall/pf/pf.h"
#include "os/firewall/pf/system.h"
#include "os/host/clock.h"
#include "os/host/lockfile.h"

#define LOCKFILE PORTCULLIS_RUNDIR "/portcullis/pf"

enum { FRESH_MS = 2000 }; /* how long a check of what is around our rules counts */

static struct firewall *pf_open(struct err *e)
{
	struct pf_firewall *fw = calloc(1, sizeof *fw);

	if (fw == NULL) {
		err_errno(e, "firewall");
		return NULL;
	}
	fw->lockfile = -1;
	return &fw->common;
}

/* --- who holds the gate ------------------------------------------------------------ */

/* Only one process changes our rules: the one that has this lock. Where the file
 * can't be made (a full disk) the gate is held all the same. */
static int hold(struct pf_firewall *fw, struct err *e)
{
	struct err full = {""};
	int32_t other = 0;

	pf_give_time(fw);
	if (fw->lockfile == -1 && (fw->lockfile = lockfile_open(LOCKFILE, &full)) == -1)
		return 0;
	if (lockfile_lock(fw->lockfile, &other) == 1)
		return err_set(e, "the gate is held by process %d", (int)other);
	return 0;
}

/* Closing unlocks it. */
static void unlock(struct pf_firewall *fw)
{
	if (fw->lockfile != -1)
		close(fw->lockfile);
	fw->lockfile = -1;
}

static int pf_owner(struct firewall *common, int32_t *pid, struct err *e)
{
	struct pf_firewall *fw = pf_of(common);
	int result =
	    fw->lockfile != -1 ? lockfile_owner(fw->lockfile, pid) : lockfile_owner_at(LOCKFILE, pid);

	return result == 0 ? 0 : err_errno(e, LOCKFILE);
}

static void pf_close(struct firewall *common)
{
	struct pf_firewall *fw = pf_of(common);

	pf_watch_close(fw->watch);
	unlock(fw);
	free(fw);
}

/* --- asserting ------------------------------------------------------------------------ */

static int kill_states(struct pf_firewall *fw, struct err *e)
{
	static const char *const all[] = {"-F", "states", NULL};

	return pf_exec(fw, all, NULL, e);
}

/* A state is looked up before any rule. Our rules make states only for the open tunnel, so unless that stays
 * open all states are killed: any other was made by rules of others, which a flip may replace before a look
 * has seen them. This comes after the load, because a packet in between would make a new state. */
static int kill_forbidden(struct pf_firewall *fw, bool first, const struct situation *s, struct err *e)
{
	bool open = s->state == POLICY_OPEN, stays_open = open && fw->tunnel_open;

	if (first || fw->tainted || !stays_open) {
		if (kill_states(fw, e) == -1)
			return -1;
		fw->tainted = false;
	}
	fw->tunnel_open = open;
	return 0;
}

/* The flip: our rules, the states, and a look at our rules. Three pfctl. */
static int flip(struct pf_firewall *fw, bool first, const struct situation *s, struct err *e)
{
	bool same = !first && strcmp(fw->text, fw->made) == 0;

	if (!same && pf_anchor_load(fw, fw->made, e) == -1)
		return -1;
	fault_point("flip-before-readback");
	if ((!same || fw->tainted) && kill_forbidden(fw, first, s, e) == -1)
		return -1;
	if (!same)
		return pf_anchor_verify(fw, e);
	return pf_anchor_compare(fw, &(struct pf_rules){0}, e);
}

/* Does the same, and arranges everything around our rules: they are in place before pf is made to evaluate
 * them. */
static int arm(struct pf_firewall *fw, bool first, const struct situation *s, struct err *e)
{
	if (!pf_is_there(fw, true))
		return err_set(e, "there is no pf, and kldload pf does not load it");
	if (!first && pf_anchor_compare(fw, &(struct pf_rules){0}, NULL) == -1)
		fw->tainted = true; /* the load would hide it */
	if (pf_anchor_load(fw, fw->made, e) == -1 || pf_main_arrange(fw, e) == -1 || pf_enable(fw, e) == -1)
		return -1;
	fault_point("flip-before-readback");
	return kill_forbidden(fw, first, s, e) == -1 ? -1 : pf_anchor_verify(fw, e);
}

int pf_settle(struct pf_firewall *fw, const struct situation *s, struct err *e)
{
	bool first = !fw->armed, fresh = !first && clock_steady_ms() < fw->fresh_until;
	int result;

	if (policy_print_pf(s, fw->made, sizeof fw->made, e) == -1)
		return -1;
	result = fresh ? flip(fw, first, s, e) : arm(fw, first, s, e);
	/* A check from before was relied on, and no longer holds: now everything is looked at and restored.
	 */
	if (result == -1 && fresh)
		result = arm(fw, true, s, e);
	fw->situation = *s;
	if (result == 0)
		result = pf_leak_look(fw, e);
	fw->armed = result == 0;
	if (result == -1)
		fw->fresh_until = 0;
	else if (!fresh)
		fw->fresh_until = clock_steady_ms() + FRESH_MS;
	return result;
}

static int pf_assert(struct firewall *common, const struct situation *s, struct err *e)
{
	struct pf_firewall *fw = pf_of(common);

	if (hold(fw, e) == -1)
		return -1;
	fw->paused = false;
	if (pf_settle(fw, s, e) == -1)
		return -1;
	pf_fallback_load(fw);
	/* The lock is verified, and every state of the pause is gone. */
	return pause_watchdog_lives() ? pause_watchdog_dismiss(e) : 0;
}

static int pf_forget_states(struct firewall *common, struct err *e)
{
	struct pf_firewall *fw = pf_of(common);

	pf_give_time(fw);
	return kill_states(fw, e);
}

/* --- removal, counter, features ------------------------------------------------------------ */

static int remove_ours(struct pf_firewall *fw, struct err *e)
{
	struct err first = {""};
	int result;

	if (pause_watchdog_dismiss(e) == -1)
		return -1;
	fw->paused = fw->tunnel_open = false;
	fw->fresh_until = 0;
	if (!pf_is_there(fw, false))
		return 0;
	/* All of it is tried, and the first failure reported. */
	result = pf_main_leave(fw, &first);
	result |= pf_anchor_empty(fw, first.text[0] == '\0' ? &first : NULL);
	result |= pf_release(fw, first.text[0] == '\0' ? &first : NULL);
	return result == 0 ? 0 : err_set(e, "%s", first.text);
}

static int pf_remove(struct firewall *common, struct err *e)
{
	struct pf_firewall *fw = pf_of(common);
	int result = hold(fw, e) == -1 ? -1 : remove_ours(fw, e);

	if (result == 0)
		unlock(fw); /* without rules there is no gate that somebody could hold */
	return result;
}

/* While rules are watched the watch counts; else pfctl is run. -1 if there are none of ours. */
static int pf_blocked(struct firewall *common, uint64_t *packets, struct err *e)
{
	struct pf_firewall *fw = pf_of(common);
	struct pf_rules found = {0};

	*packets = fw->blocked_before + fw->blocked;
	if (fw->armed && fw->watch != NULL)
		return 0;
	pf_give_time(fw);
	if (!pf_is_there(fw, false) || pf_anchor_read(fw, &found, e) == -1)
		return err_set(e, "no rules of ours in pf");
	*packets = fw->blocked_before + found.blocked;
	return found.count > 0 ? 0 : err_set(e, "no rules of ours in pf");
}

/* Does pfctl take our rules? It reads them and loads nothing. */
static bool takes_rules(struct pf_firewall *fw)
{
	static const char *const arguments[] = {"-n", "-o", "none", "-a", POLICY_PF_ANCHOR, "-f", "-", NULL};
	const struct situation locked = {.state = POLICY_LOCKED, .tunnel.name = PORTCULLIS_INTERFACE};

	return policy_print_pf(&locked, fw->made, sizeof fw->made, NULL) == 0 &&
	       pf_exec(fw, arguments, fw->made, NULL) == 0;
}

static int pf_probe_features(struct firewall *common, struct firewall_features *features, struct err *e)
{
	struct pf_firewall *fw = pf_of(common);
	static const char *const info[] = {"-s", "info", NULL};
	bool there;

	pf_give_time(fw);
	there = pf_is_there(fw, false);
	*features = (struct firewall_features){.backend = "pf", .count = 0};
	if (there && pf_query(fw, info, fw->answer, sizeof fw->answer, e) == -1)
		return -1;
	features->list[features->count++] =
	    (struct firewall_feature){"pf", there, "it is loaded when the gate is shut"};
	if (!there)
		return 0;
	features->list[features->count++] =
	    (struct firewall_feature){"our rules are accepted", takes_rules(fw),
				      "the gate can't be shut: see pfctl -nf of `portcullis rules`"};
	features->list[features->count++] =
	    (struct firewall_feature){"our anchor is called before all others", pf_main_look(fw, NULL) == 0,
				      "it will be once the gate is shut"};
	return 0;
}

const struct firewall_port firewall_pf = {
    .name = "pf",
    .manual_command = pf_manual_command,
    .open = pf_open,
    .close = pf_close,
    .assert = pf_assert,
    .pause = pf_pause,
    .forget_states = pf_forget_states,
    .remove = pf_remove,
    .owner = pf_owner,
    .blocked = pf_blocked,
    .watch = pf_watch_open,
    .probe = pf_probe_features,
};
