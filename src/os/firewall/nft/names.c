/* Under which of our names the tables stand, and whose they are: who holds a name proves nothing. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>

#include <linux/netfilter/nf_tables.h>
#include <linux/netlink.h>

#include "os/firewall/nft/nft.h"
#include "os/netwatch/linux/netlink_owner.h"

void nft_use_name(struct nft_firewall *fw, unsigned name)
{
	if (fw->desired.features.name == name)
		return;
	fw->desired.features.name = (uint8_t)name;
	fw->desired.standing = 0; /* the messages hold the name */
	fw->verified = false;
}

/* Reads what stands under one of the names; what is desired, and under which name, stays as it is. */
static int look_at(struct nft_firewall *fw, unsigned name)
{
	uint8_t ours = fw->desired.features.name;
	int result;

	fw->desired.features.name = (uint8_t)name;
	result = nft_read_tables(fw);
	fw->desired.features.name = ours;
	return result;
}

/* Of the tables that were looked at just now, those that nobody else owns. 0 also if there were none. */
static int remove_tables(struct nft_firewall *fw, unsigned name, bool at_generation)
{
	uint8_t ours = fw->desired.features.name;

	if (!nft_actual_removable(&fw->actual, &fw->desired))
		return 0;
	nft_batch_begin(fw, at_generation);
	fw->desired.features.name = (uint8_t)name;
	for (unsigned i = 0; i < NFT_TABLES; i++)
		if (fw->actual.table[i].exists && !nft_actual_is_foreign(&fw->actual, &fw->desired, i))
			nft_put_table(&fw->batch, &fw->desired, &fw->actual, i, NFT_MSG_DELTABLE);
	fw->desired.features.name = ours;
	return nft_batch_send(fw, true);
}

static void note_other(struct nft_firewall *fw, unsigned name)
{
	uint8_t ours = fw->desired.features.name;

	fw->others = true;
	if (name < ours && fw->note[0] == '\0')
		snprintf(fw->note, sizeof fw->note,
			 "process %d holds tables of our name, so ours are called %s; instead: end it",
			 (int)nft_actual_foreign(&fw->actual, &fw->desired), nft_names[ours]);
}

void nft_tidy_names(struct nft_firewall *fw)
{
	fw->others = false;
	fw->note[0] = '\0';
	for (unsigned name = 0; name < NFT_NAMES; name++) {
		if (name == fw->desired.features.name)
			continue;
		if (look_at(fw, name) != 0) {
			fw->others = true;
			continue;
		}
		if (nft_actual_foreign(&fw->actual, &fw->desired) != 0)
			note_other(fw, name);
		if (!nft_actual_removable(&fw->actual, &fw->desired))
			continue;
		if (remove_tables(fw, name, true) != 0)
			fw->others = true;
		else
			nft_batch_counted(fw);
	}
}

bool nft_names_are_better(struct nft_firewall *fw)
{
	for (unsigned name = 0; name < NFT_NAMES; name++) {
		if (name == fw->desired.features.name || look_at(fw, name) != 0)
			continue;
		if (nft_actual_removable(&fw->actual, &fw->desired) ||
		    (name < fw->desired.features.name && nft_actual_foreign(&fw->actual, &fw->desired) == 0))
			return true;
	}
	return false;
}

/* --- removal ------------------------------------------------------------------- */

static int remove_name(struct nft_firewall *fw, unsigned name)
{
	int result = -EAGAIN;

	for (int attempt = 0; attempt < NFT_ATTEMPTS && nft_is_passing(result); attempt++) {
		result = look_at(fw, name);
		if (result == 0)
			result = remove_tables(fw, name, false);
	}
	return result == 0 && nft_actual_foreign(&fw->actual, &fw->desired) != 0 ? -EPERM : result;
}

int nft_remove(struct firewall *common, struct err *e)
{
	struct nft_firewall *fw = nft_of(common);
	int result =
	    nft_unfilter_links(fw, true); /* first: behind them nothing leaves without the tables' marks */

	if (result != 0) {
		errno = -result;
		result = err_errno(e, "our traffic-control filters can't be removed");
	}
	fw->verified = false;
	for (unsigned name = NFT_NAMES; name-- > 0;) {
		int one = remove_name(fw, name);

		if (one == -EPERM && nft_actual_foreign(&fw->actual, &fw->desired) != 0) {
			nft_use_name(fw, name);
			(void)nft_explain(fw, one, e);
			result = result == 0 ? 1 : result;
		} else if (one != 0) {
			result = nft_explain(fw, one, e);
		}
	}
	nft_use_name(fw, 0);
	return result;
}

/* --- whose they are --------------------------------------------------------------- */

int nft_owner(struct firewall *common, int32_t *pid, struct err *e)
{
	struct nft_firewall *fw = nft_of(common);
	bool any = false;

	*pid = 0;
	for (unsigned name = 0; name < NFT_NAMES && *pid == 0; name++) {
		int result = look_at(fw, name);

		if (result != 0)
			return nft_explain(fw, result, e);
		for (unsigned i = 0; i < NFT_TABLES && *pid == 0; i++) {
			int32_t owner = (int32_t)fw->actual.table[i].owner;

			if (owner > 0 && (kill(owner, 0) == 0 || errno == EPERM))
				*pid = owner;
		}
		any = any || nft_actual_any(&fw->actual);
	}
	if (*pid == 0 && any)
		*pid = FIREWALL_UNNAMED;
	return 0;
}

/* Is all of the standing part there, in tables of that owner's? Its links and members are its own affair. */
static int is_whole(struct nft_firewall *fw, const struct situation *s, uint32_t owner, struct err *e)
{
	uint32_t ours = fw->desired.owner;
	int result;

	if (nft_desired_rules(&fw->desired, s, e) == -1)
		return -1;
	fw->desired.link_count = 0;
	nft_desired_links(&fw->desired);
	nft_desired_members(&fw->desired, s);
	fw->desired.owner = owner;
	result = nft_read_all(fw);
	if (result == 0)
		result = nft_actual_whole(&fw->actual, &fw->desired);
	fw->desired.owner = ours;
	return result < 0 ? nft_explain(fw, result, e) : result;
}

/* 1: a living portcullisd holds a whole lock under this name. */
static int is_held(struct nft_firewall *fw, const struct situation *s, int32_t instance, int32_t *pid,
		   struct err *e)
{
	uint32_t owner;
	int whole;

	if (nft_read_tables(fw) != 0 || !nft_actual_any(&fw->actual))
		return 0;
	owner = fw->actual.table[NFT_INET].owner;
	*pid = owner != 0 ? netlink_owner(NETLINK_NETFILTER, owner, instance)
			  : netlink_is_same_program(instance);
	if (*pid == 0)
		return 0;
	whole = is_whole(fw, s, owner, e);
	if (whole == 0 && !fw->probed && nft_probe_features(fw, e) == 0) {
		fw->desired.standing = 0;
		whole = is_whole(fw, s, owner, e);
	}
	return whole;
}

int nft_held(struct firewall *common, const struct situation *s, int32_t instance, int32_t *pid,
	     struct err *e)
{
	struct nft_firewall *fw = nft_of(common);
	uint32_t generation;
	int held = 0, result = nft_read_generation(fw, &generation);

	*pid = 0;
	if (result != 0)
		return nft_explain(fw, result, e);
	nft_probe_every_link(fw);
	for (unsigned name = 0; name < NFT_NAMES && held == 0; name++) {
		nft_use_name(fw, name);
		held = is_held(fw, s, instance, pid, e);
	}
	nft_use_name(fw, 0);
	if (held != 1)
		*pid = 0;
	return held == -1 ? -1 : 0;
}
