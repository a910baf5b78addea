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
	bool known;            /* as far as the watch knows, what has our handle is our filter */
	bool active;           /* between nft_filter_links and nft_unfilter_links */
};

/* From now on each link that has a chain has a filter, if filters are needed at all; the tunnel (an index, 0:
 * none) has none. A link for which the kernel refuses it is named in the firewall's note, and is tried again
 * at the next call. */
void nft_filter_links(struct nft_firewall *fw, unsigned tunnel);

/* Removes all filters, and with `places` also the clsact qdiscs that held them. 0, or a negative errno. */
int nft_unfilter_links(struct nft_firewall *fw, bool places);

/* Does this announcement (of RTNLGRP_TC or RTNLGRP_LINK) tell of somebody else's change that may have taken a
 * filter away? Then the filters must be added again. */
bool nft_filter_changed(struct nft_firewall *fw, const struct nlmsghdr *message);

#endif
