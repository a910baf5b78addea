/* Adds the filters once the lock is verified: a failure to add one takes nothing away from the lock. */
#include "os/firewall/nft/link_filters.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "os/firewall/nft/nft.h"
#include "os/firewall/tc_filter.h"

static struct netlink *route_of(struct nft_firewall *fw)
{
	if (fw->filters.route == NULL)
		fw->filters.route = netlink_open(NETLINK_ROUTE, 0, 0);
	return fw->filters.route;
}

/* It takes the kernel 10 ms to be probed, so that is done only where its version number does not tell. */
static bool is_known_to_lose_chains(void)
{
	enum { MAJOR = 6, MINOR = 16 };
	unsigned major, minor;
	struct utsname kernel;

	return uname(&kernel) == 0 && sscanf(kernel.release, "%3u.%3u", &major, &minor) == 2 &&
	       (major > MAJOR || (major == MAJOR && minor >= MINOR));
}

/* Only such a kernel accepts a chain for a link that does not exist. One that does not answer is probed
 * again; until then the filters are taken to be needed, because they do no harm. */
static bool are_needed(struct nft_firewall *fw)
{
	int answer;

	if (!nft_names_links(&fw->desired.features))
		return false;
	if (fw->filters.asked)
		return fw->filters.needed;
	answer = is_known_to_lose_chains() ? 1 : nft_probe_unknown_link(fw);
	fw->filters.asked = answer != -1;
	fw->filters.needed = answer != 0;
	return fw->filters.needed;
}

static void note_refused(unsigned link, int result, void *argument)
{
	struct nft_firewall *fw = argument;
	char name[IF_NAMESIZE];

	if (fw->note[0] == '\0' && if_indextoname(link, name) != NULL)
		snprintf(fw->note, sizeof fw->note,
			 "root's packet sockets are unfiltered while %s is renamed: a tc filter can't be "
			 "added: %s",
			 name, strerror(-result));
}

/* Queried at each look, not remembered: the kernel does not announce that a filter has gone with its link,
 * and another link may have that index by now. */
static void add_filters(struct nft_firewall *fw)
{
	unsigned links[NFT_LINKS];
	bool replace = !fw->filters.known;

	for (size_t i = 0; i < fw->desired.link_count; i++)
		links[i] = fw->desired.links[i].index;
	fw->filters.known =
	    tc_filter_add(fw->filters.route, links, fw->desired.link_count, replace, note_refused, fw) == 0;
}

void nft_filter_links(struct nft_firewall *fw, unsigned tunnel)
{
	if (route_of(fw) == NULL)
		return;
	if (are_needed(fw)) {
		add_filters(fw);
		if (tunnel != 0)
			(void)tc_filter_remove(fw->filters.route, tunnel, true);
		fw->filters.active = true;
	} else if (!fw->filters.cleared) { /* an earlier run, with another nft, may have left some */
		fw->filters.cleared = tc_filter_remove_all(fw->filters.route, true) == 0;
	}
}

int nft_unfilter_links(struct nft_firewall *fw, bool places)
{
	fw->filters.active = fw->filters.known = false;
	return route_of(fw) == NULL ? -errno : tc_filter_remove_all(fw->filters.route, places);
}

static bool has_chain(const struct nft_firewall *fw, unsigned link)
{
	for (size_t i = 0; i < fw->desired.link_count && link != 0; i++)
		if (fw->desired.links[i].index == link)
			return true;
	return false;
}

/* A link that is deleted, or moved to another namespace, has no filter any more. If a link with its index is
 * here again, that is told; if one comes later, the next look is a whole one. */
static bool has_returned(struct nft_firewall *fw, const struct nlmsghdr *message)
{
	const struct ifinfomsg *info = mnl_nlmsg_get_payload(message);
	char name[IF_NAMESIZE];

	if (mnl_nlmsg_get_payload_len(message) < sizeof *info || !has_chain(fw, (unsigned)info->ifi_index))
		return false;
	fw->verified = false;
	return if_indextoname((unsigned)info->ifi_index, name) != NULL;
}

bool nft_filter_changed(struct nft_firewall *fw, const struct nlmsghdr *message)
{
	if (!fw->filters.active || message->nlmsg_pid == netlink_address(fw->filters.route))
		return false;
	if (message->nlmsg_type == RTM_DELLINK)
		return has_returned(fw, message);
	if (!has_chain(fw, tc_filter_changed(message)))
		return false;
	fw->filters.known = false;
	return true;
}
