/* A filter in a link's traffic control, behind its chain. It drops what does not have our mark, and it
 * stays with the link when a rename takes the chain away (Linux 6.16 and newer,
 * net/netfilter/nft_chain_filter.c). */
#ifndef OS_FIREWALL_TC_FILTER_H
#define OS_FIREWALL_TC_FILTER_H

#include <stdbool.h>
#include <stddef.h>

#include "policy/print.h"

struct netlink;
struct nlattr;
struct nlmsghdr;

/* At most this many links have one. */
enum { TC_FILTER_LINKS = POLICY_NFT_LINKS };

/* Why a link gets none: -ENOENT the kernel has no such filters (cls_bpf, sch_ingress); -EBUSY another qdisc
 * has the place for filters; -EINVAL another kind of filter has our priority; -EOPNOTSUPP the place is a
 * block of several links. */
typedef void tc_filter_refused_fn(unsigned link, int result, void *argument);

/* `route` is a socket of NETLINK_ROUTE; links are indexes, 0 is none. Each returns 0 or a negative errno, and
 * blocks for the kernel only. Adding leaves what already has our handle, or replaces it; a link that has gone
 * is no failure, nor is removing what is not there. With `place`, the clsact that held a link's last filter
 * is removed too: a link that is up loses some milliseconds of frames when it gets or loses one. */
int tc_filter_add(struct netlink *route, const unsigned *links, size_t count, bool replace,
		  tc_filter_refused_fn *refused, void *argument);
int tc_filter_remove(struct netlink *route, unsigned link, bool place);

/* Removes them from every link of this machine. Goes on after a failure; returns the first one. */
int tc_filter_remove_all(struct netlink *route, bool places);

/* Is this filter ours? Judged by what it does: anybody can use our handle. */
bool tc_filter_is_ours(const char *kind, const struct nlattr *options);

/* The index of the link whose filter this announcement of the kernel's may be about; 0: none. */
unsigned tc_filter_changed(const struct nlmsghdr *message);

#endif
