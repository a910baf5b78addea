/* Watches the kernel's nftables for changes of what is ours by somebody else. */
#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/rtnetlink.h>

#include "os/firewall/nft/nft.h"

enum { DATAGRAMS_A_TURN = 512, OTHERS_MS = 250 };

struct nft_watch {
	struct nft_firewall *fw;
	struct netlink *netlink, *tc;
	struct event *event, *tc_event, *others;
	firewall_foreign_cb *cb;
	void *argument;
	bool changed; /* somebody else's transaction, of which the end has not come yet, is about ours */
	bool foreign; /* to be reported */
};

static bool is_about_ours(const struct nft_firewall *fw, const struct nlmsghdr *m)
{
	uint8_t family = nft_family_of(m);

	if (family != nft_family(&fw->desired.features, NFT_INET) && family != NFPROTO_NETDEV &&
	    family != NFPROTO_BRIDGE)
		return false;
	for (unsigned i = 0; i < NFT_NAMES; i++)
		if (strcmp(nft_text(m, NFTA_TABLE_NAME), nft_names[i]) == 0)
			return true;
	return false;
}

static void note_foreign(struct nft_watch *watch)
{
	watch->foreign = true;
	watch->changed = false;
	watch->fw->verified = false;
}

/* Is this about somebody else's change of what is ours? A change of other tables only moves the generation
 * along, so that the next flip can still be a flip. A transaction comes in several datagrams, the generation
 * last (nf_tables_commit): if it were reported before that, the rest would be reported once more. */
static void parse_event(const struct nlmsghdr *m, void *argument)
{
	struct nft_watch *watch = argument;
	struct nft_firewall *fw = watch->fw;
	uint32_t generation;

	if (m->nlmsg_type >> 8 != NFNL_SUBSYS_NFTABLES || m->nlmsg_pid == fw->desired.owner)
		return;
	if (nft_type(m) != NFT_MSG_NEWGEN) {
		if (is_about_ours(fw, m)) {
			watch->changed = true;
			fw->verified = false;
		}
		return;
	}
	if (watch->changed)
		note_foreign(watch);
	generation = nft_number(nft_attributes(m), NFTA_GEN_ID);
	if (fw->verified && generation == fw->generation + 1)
		fw->generation = generation;
}

/* Somebody else's, of a filter that stays with a link: it is put back with the rest. */
static void parse_tc_event(const struct nlmsghdr *m, void *argument)
{
	struct nft_watch *watch = argument;

	if (nft_filter_changed(watch->fw, m))
		note_foreign(watch);
}

/* Some were lost or torn: anything may have happened. */
static void note_lost(struct nft_watch *watch)
{
	note_foreign(watch);
	watch->fw->filters.known = false;
}

/* Reads what there is, so much a turn of the loop; one call for all of it. */
static void on_events(evutil_socket_t fd, short what, void *argument)
{
	struct nft_watch *watch = argument;
	bool of_tc = fd == netlink_fd(watch->tc);

	(void)what;
	watch->foreign = false;
	if (!netlink_receive_all(of_tc ? watch->tc : watch->netlink, DATAGRAMS_A_TURN,
				 of_tc ? parse_tc_event : parse_event, watch))
		note_lost(watch);
	if (watch->foreign)
		watch->cb("somebody else changed our rules", watch->argument);
}

void nft_watch_others(struct nft_watch *watch)
{
	static const struct timeval soon = {.tv_usec = OTHERS_MS * 1000};

	if (watch != NULL && watch->fw->others)
		event_add(watch->others, &soon);
}

/* The kernel does not report that an owner has ended. */
static void on_others(evutil_socket_t fd, short what, void *argument)
{
	struct nft_watch *watch = argument;

	(void)fd;
	(void)what;
	if (nft_names_are_better(watch->fw)) {
		watch->fw->verified = false;
		watch->cb("another process has released tables of our name", watch->argument);
	}
	nft_watch_others(watch);
}

void nft_watch_close(struct nft_watch *watch)
{
	if (watch == NULL)
		return;
	if (watch->event != NULL)
		event_free(watch->event);
	if (watch->tc_event != NULL)
		event_free(watch->tc_event);
	if (watch->others != NULL)
		event_free(watch->others);
	netlink_close(watch->netlink);
	netlink_close(watch->tc);
	free(watch);
}

int nft_watch_open(struct firewall *common, struct event_base *base, firewall_foreign_cb *cb, void *argument,
		   struct err *e)
{
	struct nft_firewall *fw = nft_of(common);
	struct nft_watch *watch = calloc(1, sizeof *watch);

	if (watch == NULL)
		return err_errno(e, "the kernel's nftables can't be watched");
	*watch = (struct nft_watch){.fw = fw, .cb = cb, .argument = argument};
	fw->watch = watch;
	watch->netlink = netlink_open(NETLINK_NETFILTER, 0, NFT_QUEUE);
	watch->tc = netlink_open(NETLINK_ROUTE, 0, NFT_QUEUE);
	if (watch->netlink == NULL || netlink_join(watch->netlink, NFNLGRP_NFTABLES) == -1 ||
	    watch->tc == NULL || netlink_join(watch->tc, RTNLGRP_TC) == -1 ||
	    netlink_join(watch->tc, RTNLGRP_LINK) == -1)
		return err_errno(e, "the kernel's nftables can't be watched");
	watch->event = event_new(base, netlink_fd(watch->netlink), EV_READ | EV_PERSIST, on_events, watch);
	watch->tc_event = event_new(base, netlink_fd(watch->tc), EV_READ | EV_PERSIST, on_events, watch);
	watch->others = evtimer_new(base, on_others, watch);
	if (watch->event == NULL || watch->tc_event == NULL || watch->others == NULL ||
	    event_add(watch->event, NULL) == -1 || event_add(watch->tc_event, NULL) == -1)
		return err_set(e, "the kernel's nftables can't be watched: no memory");
	nft_watch_others(watch);
	return 0;
}
