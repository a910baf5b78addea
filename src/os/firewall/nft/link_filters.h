/* Which links have the filter of tc_filter.h: each that has a chain of its own, where the kernel takes a
 * link's chain away when the link is renamed. */
#ifndef OS_FIREWALL_NFT_LINK_FILTERS_H
#define OS_FIREWALL_NFT_LINK_FILTERS_H

#include <stdbool.h>
#include <stddef.h>

#include "os/firewall/nft/desired.h"

struct netlink;
struct nlmsghdr;
struct nft_firewall;

struct nft_link_filters {
	struct netlink *route; /* NULL until it is needed */
	bool asked, needed;    /* has the kernel been asked; does a rename take a chain away? */
	bool cleared;          /* no filter is needed, and none of an earlier run is left */
	bool known;            /* what has our handle is our filter, as far as the watch knows */
	bool active;           /* between nft_filter_links and nft_unfilter_links */
};

/* Each link that has a chain has its filter from now on, if filters are needed at all; the tunnel (an index,
 * 0: none) has none. One that the kernel refuses is named in the firewall's note, and tried again at the next
 * call. */
void nft_filter_links(struct nft_firewall *fw, unsigned tunnel);

/* Removes all of them, and what held them if `places`: 0 or a negative errno. */
int nft_unfilter_links(struct nft_firewall *fw, bool places);

/* Has somebody else's change, of which this announcement (of RTNLGRP_TC or RTNLGRP_LINK) tells, perhaps taken
 * one away? Then they must be added again. */
bool nft_filter_changed(struct nft_firewall *fw, const struct nlmsghdr *message);

#endif
