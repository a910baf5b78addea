/* Adds the filters once the lock is verified: without them the lock is as good as it was before. */
#include "os/firewall/nft/link_filters.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "os/firewall/nft/nft.h"
#include "os/firewall/tc_filter.h"

static struct netlink *route_of(struct nft_firewall *fw)
{
	if (fw->filters.route == NULL)
		fw->filters.route = netlink_open(NETLINK_ROUTE, 0, 0);
	return fw->filters.route;
}

/* Only such a kernel accepts a chain for a link that does not exist. */
static bool are_needed(struct nft_firewall *fw)
{
	if (!nft_names_links(&fw->desired.features))
		return false;
	if (!fw->filters.asked)
		fw->filters.needed = nft_probe_unknown_link(fw);
	fw->filters.asked = true;
	return fw->filters.needed;
}

static bool is_wanted(const struct nft_firewall *fw, unsigned link)
{
	for (size_t i = 0; i < fw->desired.link_count; i++)
		if (fw->desired.links[i].index == link)
			return true;
	return false;
}

static bool has_filter(const struct nft_firewall *fw, unsigned link)
{
	for (size_t i = 0; i < fw->filters.count; i++)
		if (fw->filters.links[i] == link)
			return true;
	return false;
}

static void note_refused_filter(struct nft_firewall *fw, unsigned link, int result)
{
	char name[IF_NAMESIZE];

	if (fw->note[0] == '\0' && if_indextoname(link, name) != NULL)
		snprintf(fw->note, sizeof fw->note,
			 "root's packet sockets are unfiltered while %s is renamed: a tc filter can't be "
			 "added: %s",
			 name, strerror(-result));
}

static void add_filters(struct nft_firewall *fw)
{
	for (size_t i = 0; i < fw->desired.link_count && fw->filters.count < NFT_LINKS; i++) {
		unsigned link = fw->desired.links[i].index;
		int result;

		if (link == 0 || has_filter(fw, link))
			continue;
		result = tc_filter_add(fw->filters.route, link);
		if (result == 0)
			fw->filters.links[fw->filters.count++] = link;
		else
			note_refused_filter(fw, link, result);
	}
}

static void remove_filters_unwanted(struct nft_firewall *fw)
{
	size_t kept = 0;

	for (size_t i = 0; i < fw->filters.count; i++)
		if (is_wanted(fw, fw->filters.links[i]) ||
		    tc_filter_remove(fw->filters.route, fw->filters.links[i]) != 0)
			fw->filters.links[kept++] = fw->filters.links[i];
	fw->filters.count = kept;
}

void nft_filter_links(struct nft_firewall *fw)
{
	if (route_of(fw) == NULL)
		return;
	if (are_needed(fw)) {
		remove_filters_unwanted(fw);
		add_filters(fw);
	} else if (!fw->filters.cleared) { /* an earlier run, with another nft, may have left some */
		fw->filters.cleared = tc_filter_remove_all(fw->filters.route) == 0;
	}
}

int nft_unfilter_links(struct nft_firewall *fw)
{
	fw->filters.count = 0;
	return route_of(fw) == NULL ? -errno : tc_filter_remove_all(fw->filters.route);
}

bool nft_filter_changed(struct nft_firewall *fw, const struct nlmsghdr *message)
{
	bool ours = fw->filters.route != NULL && message->nlmsg_pid == netlink_address(fw->filters.route);
	unsigned link = tc_filter_changed(message);

	for (size_t i = 0; i < fw->filters.count && !ours; i++)
		if (link != 0 && fw->filters.links[i] == link) {
			fw->filters.links[i] = fw->filters.links[--fw->filters.count];
			return true;
		}
	return false;
}
