/* A filter in a link's traffic control, behind its chain. It drops what has neither of our marks, and it
 * stays with the link when a rename takes the chain away (Linux 6.16 and newer,
 * net/netfilter/nft_chain_filter.c). */
#ifndef OS_FIREWALL_TC_FILTER_H
#define OS_FIREWALL_TC_FILTER_H

#include <stdbool.h>

struct netlink;
struct nlattr;
struct nlmsghdr;

/* `route` is a socket of NETLINK_ROUTE, `link` an index. Each returns 0 or a negative errno, and blocks for
 * the kernel only. Adding replaces what already has our handle; removing what is not there is no failure.
 * -ENOENT: the kernel has no such filters (cls_bpf, sch_ingress); -EINVAL: another kind of filter has our
 * priority. When a link's last filter is removed, its qdisc for filters (clsact) is removed too. */
int tc_filter_add(struct netlink *route, unsigned link);
int tc_filter_remove(struct netlink *route, unsigned link);

/* From every link of this machine. Goes on after a failure; returns the first one. */
int tc_filter_remove_all(struct netlink *route);

/* Is this filter ours? Judged by what it does: anybody can use our handle. */
bool tc_filter_is_ours(const char *kind, const struct nlattr *options);

/* The index of the link whose filter this announcement of the kernel's may be about; 0: none. */
unsigned tc_filter_changed(const struct nlmsghdr *message);

#endif
